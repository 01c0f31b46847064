package bus

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/regwatch/regwatch/register"
)

// headroom is left in a message for the headers that a publish adds, in bytes.
const headroom = 512

// madeAtOnce is how many messages are made at a time, on all processors.
const madeAtOnce = 128

// messages makes messages of the first rows, as many as go out together. Ids
// are those of the messages, then those of events that can never be sent.
func (r *Relay) messages(rows []register.Outgoing) (messages []*nats.Msg, ids []string, taken int) {
	var never []string
	for size := 0; taken < len(rows) && size < relayBytes; {
		some := rows[taken:min(taken+madeAtOnce, len(rows))]
		taken += len(some)
		for i, m := range r.make(some) {
			if m.err != nil {
				r.options.Logger.Error("event can not be sent over NATS; subscriptions are served from the store",
					"event", some[i].ID, "register", some[i].Register, "sequence", some[i].Sequence, "err", m.err)
				never = append(never, some[i].ID)
				continue
			}
			messages, ids, size = append(messages, m.message), append(ids, some[i].ID), size+len(m.message.Data)
		}
	}
	return messages, append(ids, never...), taken
}

// made is the message of a row, or why there is none.
type made struct {
	message *nats.Msg
	err     error
}

func (r *Relay) make(rows []register.Outgoing) []made {
	all := make([]made, len(rows))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(rows)); i = next.Add(1) - 1 {
				all[i].message, all[i].err = r.message(rows[i])
			}
		})
	}
	group.Wait()
	return all
}

func (r *Relay) message(row register.Outgoing) (*nats.Msg, error) {
	subject, err := subjectOf(row)
	if err != nil {
		return nil, err
	}
	body, err := row.Event(r.options.Source).JSON()
	if err != nil {
		return nil, err
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
