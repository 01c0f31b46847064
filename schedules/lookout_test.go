package schedules_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// attempts is a desk that knows of runs too, and notes what is told as stale.
type attempts struct {
	*desk
	attempted map[string]time.Time
	stale     []string // "<when> <register>"
	refusing  bool
}

func (a *attempts) LastAttempt(_ context.Context, id string) (time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.attempted[id], nil
}

func (a *attempts) TellStale(_ context.Context, def register.Definition, attempt time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refusing {
		return errors.New("the store is busy")
	}
	if !attempt.Equal(a.attempted[def.ID]) {
		return errors.New("of another attempt")
	}
	a.stale = append(a.stale, time.Now().UTC().Format("02T15:04")+" "+def.ID)
	return nil
}

func (a *attempts) wants(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	a.set(func() {
		if len(a.stale) != len(want) {
			t.Fatalf("told %v, want %v", a.stale, want)
		}
		for i := range want {
			if a.stale[i] != want[i] {
				t.Errorf("told %v, want %v", a.stale, want)
			}
		}
		a.stale = nil
	})
}

func (a *attempts) ran(id string) { a.set(func() { a.attempted[id] = time.Now() }) }

// lookout runs a lookout on one daily register, whose runs may take ten minutes,
// until the test ends.
func lookout(t *testing.T, definitions func() []register.Definition) *attempts {
	t.Helper()
	a := &attempts{desk: newDesk(), attempted: map[string]time.Time{}}
	watchFrom(t, a, definitions)
	return a
}

func watchFrom(t *testing.T, a *attempts, definitions func() []register.Definition) {
	t.Helper()
	watchBy(t, a, definitions, schedules.SystemClock{})
}

func watchBy(t *testing.T, a *attempts, definitions func() []register.Definition, clock schedules.Clock) {
	t.Helper()
	l := &schedules.Lookout{Definitions: definitions, Attempts: a, Clock: clock, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func daily() []register.Definition {
	return []register.Definition{definition("cz-one", "0 6 * * *", "", 5*time.Minute)}
}

func TestLookoutTellsOnceWhenTwoTicksPassedWithoutARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := lookout(t, daily)
		until(t, "2000-01-01T06:01:00Z")
		a.ran("cz-one")
		until(t, "2000-01-03T06:14:00Z") // jitter and a run's time are given to the second
		a.wants(t)
		until(t, "2000-01-20T00:00:00Z")
		a.wants(t, "03T06:15 cz-one")
		a.ran("cz-one") // and of the next silence again
		until(t, "2000-01-25T00:00:00Z")
		a.wants(t, "21T06:15 cz-one")
	})
}

func TestLookoutIsQuietWhileRunsAreMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := lookout(t, daily)
		until(t, "2000-01-01T06:10:00Z")
		for range 20 { // every other day only, and late
			a.ran("cz-one")
			time.Sleep(48 * time.Hour)
		}
		a.wants(t)
	})
}

// Two ticks that nobody scheduled are no silence of those who make runs: what is
// caught up at the start has a tick's time.
func TestLookoutThatHasJustStartedGivesTheCatchUpATicksTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &attempts{desk: newDesk(), attempted: map[string]time.Time{"cz-one": at(t, "2000-01-01T00:00:00Z")}}
		until(t, "2000-01-10T12:00:00Z")
		watchFrom(t, a, daily)
		until(t, "2000-01-11T06:14:00Z")
		a.wants(t)
		until(t, "2000-01-12T06:14:00Z")
		a.wants(t, "11T06:15 cz-one")
	})
}

func TestLookoutTellsOfARegisterThatNeverRan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := lookout(t, daily)
		until(t, "2000-01-10T00:00:00Z")
		a.wants(t, "01T06:15 cz-one") // it was due at once, and then at six
	})
}

func TestLookoutLeavesPausedAndDisabledRegistersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		definitions := daily()
		a := lookout(t, func() []register.Definition {
			disabled := definition("cz-off", "0 6 * * *", "", 0)
			disabled.Disabled = true
			return append(definitions, disabled)
		})
		a.ran("cz-one")
		synctest.Wait()
		a.set(func() { a.paused["cz-one"] = true })
		until(t, "2000-01-10T12:00:00Z")
		a.wants(t)
		a.set(func() { a.paused["cz-one"] = false })
		until(t, "2000-01-12T06:14:00Z") // the ticks of the pause do not count
		a.wants(t)
		until(t, "2000-01-13T00:00:00Z")
		a.wants(t, "12T06:15 cz-one")
	})
}

// Another schedule, or a definition that comes back, begins anew.
func TestLookoutBeginsAnewWithAnotherSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &attempts{desk: newDesk(), attempted: map[string]time.Time{}}
		cron := "0 6 1 * *"
		watchFrom(t, a, func() []register.Definition {
			a.mu.Lock()
			defer a.mu.Unlock()
			if cron == "" {
				return nil
			}
			return []register.Definition{definition("cz-one", cron, "", 0)}
		})
		a.ran("cz-one")
		until(t, "2000-01-20T12:00:00Z")
		a.set(func() { cron = "0 6 * * *" })
		until(t, "2000-01-21T00:00:00Z")
		a.wants(t)
		a.set(func() { cron = "" })
		until(t, "2000-01-25T12:00:00Z")
		a.set(func() { cron = "0 6 * * *" })
		until(t, "2000-01-26T06:05:00Z")
		a.wants(t)
		until(t, "2000-01-27T00:00:00Z")
		a.wants(t, "26T06:10 cz-one")
	})
}

func TestLookoutTellsAgainUntilItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := lookout(t, daily)
		a.set(func() { a.refusing = true })
		until(t, "2000-01-01T07:00:30Z")
		a.wants(t)
		a.set(func() { a.refusing = false })
		until(t, "2000-01-01T08:00:00Z")
		a.wants(t, "01T07:01 cz-one")
	})
}

// jumping is a clock that a test sets.
type jumping struct {
	schedules.SystemClock
	ahead *atomic.Int64 // nanoseconds
}

func (j jumping) Now() time.Time { return j.SystemClock.Now().Add(time.Duration(j.ahead.Load())) }

// A machine that slept for a week has scheduled nothing meanwhile.
func TestLookoutThatSleptGivesTheCatchUpATicksTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &attempts{desk: newDesk(), attempted: map[string]time.Time{}}
		var ahead atomic.Int64
		a.ran("cz-one")
		watchBy(t, a, daily, jumping{ahead: &ahead})
		synctest.Wait()
		ahead.Store(int64(7 * 24 * time.Hour))
		until(t, "2000-01-01T06:14:00Z")
		a.wants(t)
		until(t, "2000-01-01T07:00:00Z")
		a.wants(t, "01T06:15 cz-one")
	})
}

// An attempt that a wrong clock dated into the future puts nothing off.
func TestLookoutIgnoresAttemptsOfTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := lookout(t, daily)
		a.set(func() { a.attempted["cz-one"] = at(t, "2030-01-01T00:00:00Z") })
		until(t, "2000-01-05T00:00:00Z")
		a.wants(t, "02T06:15 cz-one")
	})
}
