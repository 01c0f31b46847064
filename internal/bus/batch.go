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
		batch.made = r.makeSome(batch.rows)
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

// makeSome makes the messages of the first rows, of about as much as goes out together.
func (r *Relay) makeSome(rows []register.Outgoing) map[string]made {
	ready := make(map[string]made, len(rows))
	for size := 0; len(rows) > 0 && size < relayBytes; {
		some := rows[:min(madeAtOnce, len(rows))]
		rows = rows[len(some):]
		for i, m := range r.make(some, nil) {
			ready[some[i].ID] = m
			if m.err == nil {
				size += len(m.message.Data)
			}
		}
	}
	return ready
}

// messages makes messages of the first rows, as many as go out together; some may be
// ready. Ids are those of the messages, then those of events that can never be sent.
func (r *Relay) messages(rows []register.Outgoing, ready map[string]made) (messages []*nats.Msg, ids []string, taken int) {
	var never []string
	for size := 0; taken < len(rows) && size < relayBytes; {
		some := rows[taken:min(taken+madeAtOnce, len(rows))]
		taken += len(some)
		for i, m := range r.make(some, ready) {
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
