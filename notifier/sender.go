package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// sender sends one channel's deliveries, one after the other in order of
// creation. A failed one is put off and the next one sent.
type sender struct {
	*Notifier
	name    string
	channel Channel
	called  chan struct{}
	ended   chan struct{}

	notBefore  time.Time        // the receiver asked for a pause until then
	disabled   string           // why the receiver wants nothing more; empty: it does
	buried     int64            // disabled: deliveries up to this one were given up
	unrecorded map[int64]record // what the ledger did not take, by delivery
	recorder   *recorder        // nil: there is nothing to be written
}

// record is the outcome of an attempt.
type record struct {
	before  register.Delivery // as it was read
	after   register.Delivery
	attempt register.Attempt
}

func newSender(n *Notifier, name string, channel Channel) *sender {
	return &sender{Notifier: n, name: name, channel: channel, called: make(chan struct{}, 1), ended: make(chan struct{}), unrecorded: map[int64]record{}}
}

// call makes the sender look at the ledger at once.
func (s *sender) call() {
	select {
	case s.called <- struct{}{}:
	default:
	}
}

// run sends until ctx ends, having waited for the channel's sender before it,
// whose outcomes that the ledger did not take it takes over.
func (s *sender) run(ctx context.Context, before *sender) {
	defer close(s.ended)
	if before != nil {
		<-before.ended
		s.unrecorded = before.unrecorded
	}
	for ctx.Err() == nil {
		timer := time.NewTimer(s.pass(ctx))
		select {
		case <-ctx.Done():
		case <-s.called:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pass sends what is due and says how long to rest. When it returns, what came of
// it is recorded, or kept.
func (s *sender) pass(ctx context.Context) time.Duration {
	if rest := s.notBefore.Sub(s.options.Now()); rest > 0 {
		return rest
	}
	due, err := s.options.Ledger.DueDeliveries(ctx, s.name, s.options.Now(), batch)
	if err != nil {
		s.trouble(ctx, "due deliveries could not be read", err)
		return troubleWait
	}
	s.forget(due)
	finished, err := s.deliverAll(ctx, due)
	if err = cmp.Or(err, s.settle()); err != nil {
		s.trouble(ctx, "deliveries are not recorded; they are tried again", err)
		return troubleWait
	}
	if !finished || len(due) == batch {
		return 0
	}
	return pollEvery
}

// deliverAll delivers what is due, in order. False if what was read is out of
// date before its end.
func (s *sender) deliverAll(ctx context.Context, due []register.Delivery) (finished bool, err error) {
	events, err := s.events(ctx, due)
	if err != nil {
		return false, err
	}
	disabled := s.disabled
	for _, d := range due {
		if ctx.Err() != nil || s.options.Now().Before(s.notBefore) || s.disabled != disabled {
			return false, nil //nolint:nilerr // the end of ctx is the end of the work, and no error of it
		}
		if err := s.deliver(ctx, d, events); err != nil {
			return false, err
		}
	}
	return true, nil
}

// events reads what the deliveries are about.
func (s *sender) events(ctx context.Context, due []register.Delivery) (map[string]register.Outgoing, error) {
	if len(due) == 0 {
		return nil, nil
	}
	ids := make([]string, len(due))
	for i, d := range due {
		ids[i] = d.Event
	}
	list, err := s.options.Ledger.Events(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d events: %w", len(ids), err)
	}
	events := make(map[string]register.Outgoing, len(list))
	for _, out := range list {
		events[out.ID] = out
	}
	return events, nil
}

func (s *sender) trouble(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.log.Error(what, "channel", s.name, "err", err)
	}
}

// deliver sends one message and has recorded what came of it. The error is the
// ledger's; a failed message is none.
func (s *sender) deliver(ctx context.Context, d register.Delivery, events map[string]register.Outgoing) error {
	if last, ok := s.unrecorded[d.ID]; ok && sameTurn(last.before, d) {
		return s.record(ctx, last) // it was sent; only the ledger does not know
	}
	if s.disabled != "" && d.ID > s.buried {
		return s.bury(ctx, d)
	}
	message, err := s.message(d, events)
	started := s.options.Now()
	if err == nil {
		err = s.send(ctx, message)
	}
	if recordErr := s.record(ctx, s.outcome(d, started, err)); recordErr != nil {
		return recordErr
	}
	return s.heed(ctx, d, err)
}

// forget drops outcomes that the ledger took after all.
func (s *sender) forget(due []register.Delivery) {
	if len(due) == batch {
		return // there may be more
	}
	maps.DeleteFunc(s.unrecorded, func(id int64, _ record) bool {
		return !slices.ContainsFunc(due, func(d register.Delivery) bool { return d.ID == id })
	})
}

// sameTurn reports whether nothing has happened to a delivery since.
func sameTurn(a, b register.Delivery) bool {
	return a.ID == b.ID && a.Attempts == b.Attempts && a.NextAttempt.Equal(b.NextAttempt)
}

func (s *sender) message(d register.Delivery, events map[string]register.Outgoing) (Message, error) {
	out, found := events[d.Event]
	if !found {
		return Message{}, &SendError{Permanent: true, Err: fmt.Errorf("event %s: %w", d.Event, register.ErrNotFound)}
	}
	event := out.Event(s.options.PublicURL)
	body, err := encode(event)
	return Message{Event: event, Body: body, Delivery: d}, err
}

// send hands the message to the channel. When it is time to stop, the channel
// has some seconds left. A panic is the channel's error.
func (s *sender) send(ctx context.Context, m Message) (err error) {
	ctx, cancel := outlive(ctx, grace)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("defect in the channel: %v", p)
		}
	}()
	return s.channel.Send(ctx, m)
}

// outcome says what an attempt makes of its delivery.
func (s *sender) outcome(d register.Delivery, started time.Time, err error) record {
	now := s.options.Now()
	after := d
	after.Attempts++
	attempt := register.Attempt{Delivery: d.ID, Number: after.Attempts, StartedAt: started, Took: now.Sub(started)}
	if err == nil {
		after.State, after.DoneAt, after.LastError, after.NextAttempt = register.DeliveryDelivered, now, "", time.Time{}
		return record{d, after, attempt}
	}
	failure, ok := errors.AsType[*SendError](err)
	if !ok {
		failure = &SendError{}
	}
	attempt.Status, attempt.RetryAfter = failure.Status, failure.RetryAfter
	attempt.Error = Shorten(Visible(err.Error()), maxValue)
	after.LastError = attempt.Error
	wait, more := waitAfter(after.Attempts, failure.RetryAfter, s.options.Random())
	if more && !failure.Permanent && !failure.Disable {
		after.NextAttempt = now.Add(wait)
	} else {
		after.State, after.DoneAt, after.NextAttempt = register.DeliveryDead, now, time.Time{}
	}
	return record{d, after, attempt}
}

// heed does what the receiver's answer asks of the whole channel.
func (s *sender) heed(ctx context.Context, d register.Delivery, err error) error {
	failure, ok := errors.AsType[*SendError](err)
	switch {
	case err == nil:
		s.disabled = ""
	case ok && failure.Disable:
		s.disabled = "the receiver wants no more messages: " + Shorten(Visible(err.Error()), maxValue)
		s.buried = max(s.buried, d.ID)
		s.log.Error("a channel is disabled until the configuration is read again or a delivery is sent again", "channel", s.name, "reason", s.disabled)
		return s.buryAll(ctx)
	case ok && failure.RetryAfter > 0:
		s.notBefore = s.options.Now().Add(min(failure.RetryAfter, maxRetryWait))
	}
	return nil
}

// buryAll gives up everything that waits for a disabled channel.
func (s *sender) buryAll(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.settle(); err != nil { // or what was sent is found again
			return err
		}
		waiting, err := s.options.Ledger.DueDeliveries(ctx, s.name, s.options.Now().Add(farFuture), batch)
		if err != nil || len(waiting) == 0 {
			return err
		}
		for _, d := range waiting {
			if err := s.bury(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// bury gives up one delivery without sending it.
func (s *sender) bury(ctx context.Context, d register.Delivery) error {
	r := s.outcome(d, s.options.Now(), &SendError{Permanent: true, Err: errors.New("not sent: " + s.disabled)})
	s.buried = max(s.buried, d.ID)
	return s.record(ctx, r)
}

// outlive gives a context that ends so long after ctx does.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); cancel() }
}
