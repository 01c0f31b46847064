package bus

import (
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/regwatch/regwatch/register"
)

// headroom is left in a message for the headers that a publish adds, in bytes.
const headroom = 512

// messages makes messages of the first rows, as many as go out together. Ids
// are those of the messages, then those of events that can never be sent.
func (r *Relay) messages(rows []register.Outgoing) (messages []*nats.Msg, ids []string, taken int) {
	var never []string
	size := 0
	for taken < len(rows) && size < relayBytes {
		row := rows[taken]
		taken++
		message, err := r.message(row)
		if err != nil {
			r.options.Logger.Error("event can not be sent over NATS; subscriptions are served from the store",
				"event", row.ID, "register", row.Register, "sequence", row.Sequence, "err", err)
			never = append(never, row.ID)
			continue
		}
		messages, ids, size = append(messages, message), append(ids, row.ID), size+len(message.Data)
	}
	return messages, append(ids, never...), taken
}

func (r *Relay) message(row register.Outgoing) (*nats.Msg, error) {
	subject, err := subjectOf(row)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(row.Event(r.options.Source))
	if err != nil {
		return nil, fmt.Errorf("write event as JSON: %w", err)
	}
	message := messageOf(subject, row.ID, row.Sequence, body)
	if limit := r.wire.limit(); int64(message.Size()) > limit-headroom {
		return nil, fmt.Errorf("it has %d bytes, the server takes %d (max_payload)", message.Size(), limit)
	}
	return message, nil
}

func rowsOf(stream string, rows []register.Outgoing) []register.Outgoing {
	var of []register.Outgoing
	for _, row := range rows {
		if streamOf(row) == stream {
			of = append(of, row)
		}
	}
	return of
}
