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

// sender sends one channel's deliveries, begun in order of creation: one after the
// other, or several at a time where the channel takes that. A failed one is put
// off and the next one sent.
type sender struct {
	*Notifier
	name    string
	channel Channel
	called  chan struct{}
	ended   chan struct{}

	window     int              // messages that may be under way at once; see conclude
	failures   int              // attempts that failed so far
	notBefore  time.Time        // the receiver asked for a pause until then
	disabled   string           // why the receiver wants nothing more; empty: it does
	buried     int64            // disabled: deliveries up to this one were given up
	giveUp     bool             // disabled: what waits is still to be given up
	refused    []int64          // until then: the deliveries that met the refusal; see buryAll
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
	return &sender{Notifier: n, name: name, channel: channel, called: make(chan struct{}, 1), ended: make(chan struct{}), window: 1, unrecorded: map[int64]record{}}
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
	if rest := s.notBefore.Sub(s.options.Now()); rest > 0 && !s.giveUp {
		return rest
	}
	more, err := s.sweep(ctx)
	if err = cmp.Or(err, s.settle()); err != nil {
		if ctx.Err() == nil {
			s.log.Error("deliveries can not be read or recorded; trying again", "channel", s.name, "err", err)
		}
		return troubleWait
	}
	if more {
		return 0
	}
	return pollEvery
}

// sweep sends what is due, a page after the other. It reports whether there may be
// more: what was read is out of date, what waits is to be given up (at once, or it
// would take what is sent again meanwhile with it), or it is time for those whose next
// attempt has come meanwhile.
func (s *sender) sweep(ctx context.Context) (more bool, err error) {
	if s.giveUp {
		if err := s.buryAll(ctx); err != nil {
			return false, err
		}
	}
	began := s.options.Now()
	p := s.read(ctx, 0)
	s.forget(p)
	for p.err == nil && len(p.due) > 0 {
		next := s.readAhead(ctx, p)
		finished, err := s.deliverAll(ctx, p)
		p = next()
		if err != nil || !finished || s.giveUp || s.options.Now().Sub(began) > sweepMost {
			return true, err
		}
	}
	return false, p.err
}

// deliverAll delivers a page. False if it is out of date before its end.
func (s *sender) deliverAll(ctx context.Context, p page) (finished bool, err error) {
	disabled, due, underWay, ended := s.disabled, p.due, 0, make(chan attempted)
	for err == nil && len(due) > 0 && !s.outOfDate(ctx, disabled) {
		if underWay >= s.window {
			underWay--
			err = s.conclude(ctx, <-ended)
			continue
		}
		d := due[0]
		due = due[1:]
		switch last, sent := s.sent(d); {
		case sent: // only the ledger does not know
			err = s.record(ctx, last)
		case s.disabled != "" && d.ID > s.buried:
			err = s.bury(ctx, d)
		case s.window == 1:
			err = s.conclude(ctx, s.attempt(ctx, d, p.events, s.failures))
		default:
			underWay++
			failures := s.failures
			go func() { ended <- s.attempt(ctx, d, p.events, failures) }()
		}
	}
	for range underWay {
		err = cmp.Or(err, s.conclude(ctx, <-ended))
	}
	return len(due) == 0, err
}

// outOfDate reports whether nothing of a page should be begun any more.
func (s *sender) outOfDate(ctx context.Context, disabled string) bool {
	return ctx.Err() != nil || s.options.Now().Before(s.notBefore) || s.disabled != disabled
}

// attempted is a message that was sent, or was not.
type attempted struct {
	record
	err      error
	failures int // of the sender, when the attempt began
}

// attempt sends one message. It runs beside others.
func (s *sender) attempt(ctx context.Context, d register.Delivery, events map[string]register.Outgoing, failures int) attempted {
	started := s.options.Now()
	message, err := s.message(d, events)
	if err == nil {
		err = s.send(ctx, message)
	}
	return attempted{s.outcome(d, started, err), err, failures}
}

// conclude heeds what the receiver said and has recorded what came of an attempt.
// After a failure one message is under way at a time, and one more with each that
// is accepted; those that were begun before the failure do not count. The error is
// the ledger's; a failed message is none.
func (s *sender) conclude(ctx context.Context, a attempted) error {
	switch {
	case a.err != nil:
		s.window, s.failures = 1, s.failures+1
		s.heed(a)
	case a.failures == s.failures:
		s.window = min(s.window+1, inParallel(s.channel))
		s.disabled = ""
	}
	return s.record(ctx, a.record)
}

// forget drops outcomes that the ledger took after all.
func (s *sender) forget(first page) {
	if first.err != nil || len(first.due) == batch {
		return // there may be more
	}
	maps.DeleteFunc(s.unrecorded, func(id int64, _ record) bool {
		return !slices.ContainsFunc(first.due, func(d register.Delivery) bool { return d.ID == id })
	})
}

// sent gives the outcome of a delivery that the ledger did not take.
func (s *sender) sent(d register.Delivery) (record, bool) {
	last, sent := s.unrecorded[d.ID]
	return last, sent && sameTurn(last.before, d)
}

// sameTurn reports whether nothing has happened to a delivery since.
func sameTurn(a, b register.Delivery) bool {
	return a.ID == b.ID && a.Attempts == b.Attempts && a.NextAttempt.Equal(b.NextAttempt)
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

// heed keeps in mind what the receiver's refusal asks of the whole channel.
func (s *sender) heed(a attempted) {
	failure, ok := errors.AsType[*SendError](a.err)
	switch {
	case ok && failure.Disable:
		s.giveUp = true
		s.refused = append(s.refused, a.before.ID)
		s.disabled = "the receiver wants no more messages: " + Shorten(Visible(a.err.Error()), maxValue)
		s.buried = max(s.buried, a.before.ID)
		s.log.Error("a channel is disabled until the configuration is read again or a delivery is sent again", "channel", s.name, "reason", s.disabled)
	case ok && failure.RetryAfter > 0:
		if until := s.options.Now().Add(min(failure.RetryAfter, maxRetryWait)); until.After(s.notBefore) {
			s.notBefore = until
		}
	}
}

// buryAll gives up everything that waits for a disabled channel. Those that met the
// refusal were given up with it: one of them that waits was sent again since, while
// others were under way.
func (s *sender) buryAll(ctx context.Context) error {
	more, err := true, s.settle() // first and last, or what was given up is found again
	for more && err == nil {
		if more, err = s.buryWaiting(ctx); err == nil {
			err = s.settle()
		}
	}
	if err == nil {
		s.giveUp, s.refused = false, nil
	}
	return err
}

// buryWaiting gives up what waits, and has recorded what was sent without the ledger
// knowing: then it reports that there may be more, since that may wait too.
func (s *sender) buryWaiting(ctx context.Context) (more bool, err error) {
	for after := int64(0); ; {
		waiting, err := s.options.Ledger.DueDeliveries(ctx, s.name, s.options.Now().Add(farFuture), after, batch)
		if err != nil {
			return false, fmt.Errorf("read waiting deliveries: %w", err)
		}
		if len(waiting) == 0 {
			return more, nil
		}
		for _, d := range waiting {
			last, sent := s.sent(d)
			switch {
			case sent:
				more, err = true, s.record(ctx, last)
			case !slices.Contains(s.refused, d.ID):
				err = s.bury(ctx, d)
			}
			if err != nil {
				return false, err
			}
			after = d.ID
		}
	}
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
