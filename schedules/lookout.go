package schedules

import (
	"context"
	"log/slog"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Attempts knows which runs were made, and tells the operator where none are.
// It is called from one goroutine.
type Attempts interface {
	// LastAttempt gives when the last fetch of a register began that was
	// recorded; the zero time and nil if there was none.
	LastAttempt(ctx context.Context, register string) (time.Time, error)
	// Paused reports whether a person has paused the register.
	Paused(ctx context.Context, register string) (bool, error)
	// TellStale tells that no run was made since an attempt, although two were
	// due. It is idempotent: who was told, by whomever, is not told again, and
	// nothing is told if a later attempt was recorded.
	TellStale(ctx context.Context, def register.Definition, attempt time.Time) error
}

// Clock is the time that a [Lookout] goes by.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

// SystemClock is the clock of the machine.
type SystemClock struct{}

// Now gives the wall clock's time: a monotonic one stands still while the
// machine sleeps.
func (SystemClock) Now() time.Time { return time.Now().Round(0) }

// After is [time.After].
func (SystemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Lookout notices registers that are due while nobody makes their runs, which
// no run can tell: whoever makes them is down, or their messages were lost.
type Lookout struct {
	Definitions func() []register.Definition // those that are watched now; disabled ones are left out
	Attempts    Attempts
	Clock       Clock
	Log         *slog.Logger
}

// watch is what a lookout knows of one register.
type watch struct {
	schedule register.Schedule
	since    time.Time // watched so
	resumed  time.Time // was paused until then; zero: not while it was watched
	told     bool      // of the silence since attempt
	attempt  time.Time
}

// Run looks at every register now and then until ctx ends, and returns nil then.
// Whoever looks for the first time, or has not looked for long because the
// machine slept, gives what is caught up now a tick's time.
func (l *Lookout) Run(ctx context.Context) error {
	watches := map[string]watch{}
	for last := l.Clock.Now(); ; {
		now := l.Clock.Now()
		if now.Before(last) || now.Sub(last) > 2*longestSleep {
			clear(watches)
		}
		last = now
		l.look(ctx, watches, now)
		select {
		case <-ctx.Done():
			return nil
		case <-l.Clock.After(longestSleep):
		}
	}
}

// look brings the watches up to date and tells what is stale.
func (l *Lookout) look(ctx context.Context, watches map[string]watch, now time.Time) {
	watched := map[string]bool{}
	for _, def := range l.Definitions() {
		spec, err := Parse(def.Schedule.Cron, def.Schedule.Timezone)
		if err != nil || def.Disabled {
			continue
		}
		watched[def.ID] = true
		w, known := watches[def.ID]
		if !known || w.schedule != def.Schedule {
			w = watch{schedule: def.Schedule, since: now}
		}
		if err := l.attend(ctx, def, spec, &w, now); err != nil && ctx.Err() == nil {
			l.Log.ErrorContext(ctx, "could not see whether runs are made", "register", def.ID, "error", err)
		}
		watches[def.ID] = w
	}
	for id := range watches {
		if !watched[id] {
			delete(watches, id)
		}
	}
}

func (l *Lookout) attend(ctx context.Context, def register.Definition, spec Spec, w *watch, now time.Time) error {
	paused, err := l.Attempts.Paused(ctx, def.ID)
	if paused {
		w.resumed = now
	}
	if err != nil || paused {
		return err
	}
	attempt, err := l.Attempts.LastAttempt(ctx, def.ID)
	if err != nil || w.told && attempt.Equal(w.attempt) {
		return err
	}
	w.told, w.attempt = false, attempt
	if attempt.After(now) {
		attempt = w.since // by a clock that was wrong
	}
	late := w.lateAt(spec, attempt)
	if late.IsZero() || now.Before(late.Add(def.Schedule.Jitter+def.Fetch.TimeLimit())) {
		return nil
	}
	if err := l.Attempts.TellStale(ctx, def, w.attempt); err != nil {
		return err
	}
	w.told = true
	return nil
}

// lateAt gives the second tick after an attempt; the zero time if there is none.
// Ticks from before the watch began are caught up as one, then; those of a pause
// are not.
func (w watch) lateAt(spec Spec, attempt time.Time) time.Time {
	from := attempt
	if w.resumed.After(from) {
		from = w.resumed
	}
	first := w.since
	if next := spec.Next(from); !from.IsZero() && !next.Before(first) {
		first = next
	}
	if first.IsZero() {
		return time.Time{}
	}
	return spec.Next(first)
}
