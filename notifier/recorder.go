package notifier

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/regwatch/regwatch/register"
)

// recorder writes what came of attempts into the ledger while the next messages
// are being sent: what comes within a moment in one transaction. So a fast
// receiver does not make the disk sync for each message, and a slow one has each
// recorded long before the next.
type recorder struct {
	sender *sender
	in     chan record
	closed chan struct{} // as in is
	ended  chan struct{}
	failed atomic.Bool // the ledger refuses; what comes now is kept

	// Read when ended is closed.
	written []int64  // deliveries
	lost    []record // what the ledger did not take
	err     error    // its first one
}

func newRecorder(ctx context.Context, s *sender) *recorder {
	r := &recorder{sender: s, in: make(chan record, batch), closed: make(chan struct{}), ended: make(chan struct{})}
	go r.run(ctx)
	return r
}

// run writes until in is closed, also when it is time to stop.
func (r *recorder) run(ctx context.Context) {
	defer close(r.ended)
	for first := range r.in {
		r.write(ctx, append([]record{first}, r.next()...))
	}
}

// next takes what has come after a moment. It does not look before, so as not to wake
// for each one.
func (r *recorder) next() (taken []record) {
	timer := time.NewTimer(recordWithin)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.closed:
	}
	for len(taken) < batch {
		select {
		case one, more := <-r.in:
			if !more {
				return taken
			}
			taken = append(taken, one)
		default:
			return taken
		}
	}
	return taken
}

func (r *recorder) write(ctx context.Context, records []record) {
	if r.err != nil { // again when the ledger has had a rest
		r.lost = append(r.lost, records...)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	results := make([]register.Result, len(records))
	for i, one := range records {
		results[i] = register.Result{Attempt: one.attempt, Delivery: one.after}
	}
	if err := r.sender.options.Ledger.Record(ctx, results); err != nil {
		r.err = fmt.Errorf("record %d attempts from delivery %d on: %w", len(records), records[0].after.ID, err)
		r.lost = append(r.lost, records...)
		r.failed.Store(true)
		return
	}
	for _, one := range records {
		r.written = append(r.written, one.after.ID)
		r.sender.tell(one)
	}
}

// tell tells log and caller of an attempt that was recorded.
func (s *sender) tell(r record) {
	if r.after.State == register.DeliveryDead {
		s.log.Error("a delivery is given up", "delivery", r.after.ID, "channel", s.name, "event", r.after.Event, "register", r.after.Register,
			"attempts", r.after.Attempts, "reason", r.after.LastError, "hint", "mend the receiver, then `regwatch redeliver`")
	}
	if s.options.Attempted != nil {
		s.options.Attempted(r.after, r.attempt)
	}
}

// record has an outcome written, soon. The error is that of an earlier one.
func (s *sender) record(ctx context.Context, r record) error {
	if s.recorder == nil {
		s.recorder = newRecorder(ctx, s)
	}
	s.recorder.in <- r
	if s.recorder.failed.Load() {
		return s.settle()
	}
	return nil
}

// settle waits until every outcome is written. What the ledger did not take is
// kept, so that it is written later and not sent again.
func (s *sender) settle() error {
	r := s.recorder
	if r == nil {
		return nil
	}
	s.recorder = nil
	close(r.in)
	close(r.closed)
	<-r.ended
	for _, id := range r.written {
		delete(s.unrecorded, id)
	}
	for _, one := range r.lost {
		s.unrecorded[one.before.ID] = one
	}
	return r.err
}
