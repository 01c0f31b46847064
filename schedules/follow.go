package schedules

import (
	"context"
	"time"

	"github.com/regwatch/regwatch/register"
)

// longestSleep bounds one wait, so that a clock that was set, or a machine that
// slept, is noticed.
const longestSleep = time.Minute

// Waits between attempts at what failed: doubled from the first to the last.
const (
	firstRetry = time.Second
	lastRetry  = time.Minute
)

// follow publishes the ticks of one register until ctx ends:
//
//	missed tick? ─yes─▶ at once ──┐
//	     └─no─▶ next tick, jitter ┴▶ paused? ─no─▶ publish ─▶ save ─▶ again
//
// The clock may have been wrong: a tick that was settled in what is the future
// now puts nothing off, and a wait ends when the clock is set back. What is then
// published once more has the same id.
func (s *Scheduler) follow(ctx context.Context, p plan) {
	last, ok := s.lastTick(ctx, p)
	if !ok {
		return
	}
	passed := last // the last tick that is settled: published, or met while paused
	for {
		tick := missed(p.spec, passed, time.Now())
		if tick.IsZero() {
			tick = p.spec.Next(time.Now())
			s.save(ctx, p, last, tick)
			if tick.IsZero() {
				s.log.WarnContext(ctx, "the schedule has no further tick", "register", p.register)
				return
			}
			setBack := func() bool { return p.spec.Next(time.Now()).Before(tick) }
			if !sleepUntil(ctx, tick.Add(s.delay(p)), setBack) {
				if ctx.Err() != nil {
					return
				}
				continue
			}
		}
		tick, published := s.settle(ctx, p, tick)
		if ctx.Err() != nil {
			return
		}
		if passed = tick; published {
			last = tick
		}
	}
}

// missed gives the tick that is to be caught up: the latest one behind passed;
// for a register that never ran, the latest there was, or else now. The zero
// time means none.
func missed(spec Spec, passed, now time.Time) time.Time {
	previous := spec.Previous(now)
	switch {
	case previous.After(passed):
		return previous
	case passed.IsZero():
		return now.UTC().Truncate(time.Second)
	}
	return time.Time{}
}

// delay gives the random part of a register's jitter by which a run starts later.
func (s *Scheduler) delay(p plan) time.Duration {
	if p.schedule.Jitter <= 0 {
		return 0
	}
	return min(max(s.jitter(p.schedule.Jitter), 0), p.schedule.Jitter)
}

// lastTick asks the ledger until it answers. It gives up with ctx only.
func (s *Scheduler) lastTick(ctx context.Context, p plan) (last time.Time, ok bool) {
	err := s.persist(ctx, p, "read the last tick", func() (err error) {
		last, err = s.ledger.LastTick(ctx, p.register)
		return err
	})
	return last, err == nil
}

// settle publishes a tick, or passes over it if the register is paused. What
// fails is tried again until it succeeds or ctx ends; if a later tick comes
// meanwhile, that one is published in the place of this. It gives the tick that
// was settled and whether it was published; after ctx has ended, neither counts.
func (s *Scheduler) settle(ctx context.Context, p plan, tick time.Time) (time.Time, bool) {
	published := false
	_ = s.persist(ctx, p, "publish that the register is due", func() error {
		if newer := p.spec.Previous(time.Now()); newer.After(tick) {
			s.log.WarnContext(ctx, "a tick is made up for by a later one", "register", p.register, "tick", tick, "later", newer)
			tick = newer
		}
		paused, err := s.ledger.Paused(ctx, p.register)
		if err != nil || paused {
			return err
		}
		due := register.Due{Register: p.register, Tick: tick.UTC(), Trigger: register.TriggerSchedule, Interval: p.spec.Interval(tick)}
		if err := s.publisher.PublishDue(ctx, due); err != nil {
			return err
		}
		published = true
		return nil
	})
	return tick, published
}

// save keeps what is shown. A failure costs no tick: the message id of one that
// is published again is the same.
func (s *Scheduler) save(ctx context.Context, p plan, last, next time.Time) {
	if err := s.ledger.SaveTicks(ctx, p.register, last, next); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "could not save the ticks of a register", "register", p.register, "last", last, "next", next, "error", err)
	}
}

// persist repeats what fails, with growing waits, until it succeeds or ctx ends.
func (s *Scheduler) persist(ctx context.Context, p plan, what string, try func() error) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := try()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		s.log.ErrorContext(ctx, "could not "+what, "register", p.register, "error", err, "again_in", wait)
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
	}
}

// sleepUntil waits for an instant of the wall clock; false if ctx ended first,
// or if on the way setBack says that it is no longer worth waiting for.
func sleepUntil(ctx context.Context, at time.Time, setBack func() bool) bool {
	for {
		left := time.Until(at) // of the wall clock: a tick has no monotonic reading
		if left <= 0 {
			return ctx.Err() == nil
		}
		if setBack() || !sleep(ctx, min(left, longestSleep)) {
			return false
		}
	}
}

// sleep waits; false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
