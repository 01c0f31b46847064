package bus

import (
	"context"
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

// loaded is what was read from the outbox.
type loaded struct {
	rows []register.Outgoing
	made map[string]made // messages of the first ones, by the event's id
	full bool            // as many as were asked for: there may be more behind them
	err  error
}

// take gives what was read ahead, or reads. While it is not known what of the outbox is
// on the streams already, all that a pass may have published must be seen together: see
// markPresent.
func (r *Relay) take(ctx context.Context, settled bool) loaded {
	if !settled {
		return r.read(ctx, 0, r.most)
	}
	var before loaded
	if r.next != nil {
		before, r.next = <-r.next, nil
		if before.err != nil || before.full {
			return before
		}
	} // more may have been committed since
	batch := r.read(ctx, 0, r.limit(r.ahead))
	batch.made = before.made
	return batch
}

// read reads behind a position.
func (r *Relay) read(ctx context.Context, after int64, limit int) loaded {
	rows, err := r.outbox.Unpublished(ctx, after, limit)
	return loaded{rows: rows, full: len(rows) == limit, err: err}
}

// readAhead reads what is behind a batch, and makes its messages, while that one is
// published and the server is waited for. What another relay publishes meanwhile is
// refused by the stream, as ever: see publish.
func (r *Relay) readAhead(ctx context.Context, before loaded) {
	limit, after, next := r.limit(max(r.ahead-1, 0)), before.rows[len(before.rows)-1].Position, make(chan loaded, 1)
	r.next = next
	go func() {
		batch := r.read(ctx, after, limit)
		batch.made = make(map[string]made, len(batch.rows))
		for i, m := range r.makeFirst(batch.rows, nil) {
			batch.made[batch.rows[i].ID] = m
		}
		next <- batch
	}()
}

// forget waits for what is being read, and drops it.
func (r *Relay) forget() {
	if r.next != nil {
		<-r.next
		r.next = nil
	}
}

// messages makes messages of the first rows, as many as go out together; some may be
// ready. Ids are those of the messages, then those of events that can never be sent.
func (r *Relay) messages(rows []register.Outgoing, ready map[string]made) (messages []*nats.Msg, ids []string, taken int) {
	var never []string
	first := r.makeFirst(rows, ready)
	for i, m := range first {
		if m.err != nil {
			r.options.Logger.Error("event can not be sent over NATS; subscriptions are served from the store",
				"event", rows[i].ID, "register", rows[i].Register, "sequence", rows[i].Sequence, "err", m.err)
			never = append(never, rows[i].ID)
			continue
		}
		messages, ids = append(messages, m.message), append(ids, rows[i].ID)
	}
	return messages, append(ids, never...), len(first)
}

// made is the message of a row, or why there is none.
type made struct {
	message *nats.Msg
	err     error
}

// makeFirst makes the messages of the first rows, as many as go out together, of which
// some may be ready.
func (r *Relay) makeFirst(rows []register.Outgoing, ready map[string]made) (first []made) {
	for size := 0; len(first) < len(rows) && size < relayBytes; {
		some := r.make(rows[len(first):min(len(first)+madeAtOnce, len(rows))], ready)
		for _, m := range some {
			if m.err == nil {
				size += len(m.message.Data)
			}
		}
		first = append(first, some...)
	}
	return first
}

func (r *Relay) make(rows []register.Outgoing, ready map[string]made) []made {
	all := make([]made, len(rows))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(rows)); i = next.Add(1) - 1 {
				if m, is := ready[rows[i].ID]; is {
					all[i] = m
					continue
				}
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
