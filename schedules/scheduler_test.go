package schedules_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// desk is the publisher and the ledger of the tests: it notes what it is told.
type desk struct {
	mu        sync.Mutex
	published []string // "<when> <message id>", times without their date
	ids       map[string]bool
	last      map[string]time.Time
	next      map[string]time.Time
	paused    map[string]bool
	failing   error // of PublishDue and LastTick
}

func newDesk() *desk {
	return &desk{ids: map[string]bool{}, last: map[string]time.Time{}, next: map[string]time.Time{}, paused: map[string]bool{}}
}

func (d *desk) PublishDue(_ context.Context, due register.Due) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing != nil {
		return d.failing
	}
	if due.Trigger != register.TriggerSchedule || due.Tick.Location() != time.UTC {
		return errors.New("not a due message of a schedule")
	}
	d.ids[due.MessageID()] = true
	d.published = append(d.published, time.Now().UTC().Format("02T15:04:05")+" "+due.Register+" "+due.Tick.Format("02T15:04:05"))
	return nil
}

func (d *desk) LastTick(_ context.Context, id string) (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[id], d.failing
}

func (d *desk) SaveTicks(_ context.Context, id string, last, next time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last[id], d.next[id] = last, next
	return nil
}

func (d *desk) Paused(_ context.Context, id string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paused[id], nil
}

// set changes the desk while a scheduler uses it.
func (d *desk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// ticks gives what was saved of a register.
func (d *desk) ticks(id string) (last, next time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[id], d.next[id]
}

// told reports whether a message of that id was published.
func (d *desk) told(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ids[id]
}

// take gives what was published since it was last asked.
func (d *desk) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	published := d.published
	d.published = nil
	return published
}

func definition(id, cron, zone string, jitter time.Duration) register.Definition {
	return register.Definition{ID: id, Schedule: register.Schedule{Cron: cron, Timezone: zone, Jitter: jitter}}
}

// start runs a scheduler until the test ends.
func start(t *testing.T, o schedules.Options) *schedules.Scheduler {
	t.Helper()
	s, err := schedules.NewScheduler(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

// until lets the bubble's time pass.
func until(t *testing.T, text string) {
	t.Helper()
	time.Sleep(time.Until(at(t, text)))
	synctest.Wait()
}

func expect(t *testing.T, d *desk, want ...string) {
	t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, d.take()); diff != "" {
		t.Error(diff)
	}
}

func TestSchedulerStartsWithWhatWasMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until(t, "2000-01-05T12:30:00Z")
		d := newDesk()
		d.last["cz-late"] = at(t, "2000-01-02T06:00:00Z") // three ticks ago
		d.last["cz-well"] = at(t, "2000-01-05T06:00:00Z")
		off := definition("cz-off", "0 6 * * *", "", 0)
		off.Disabled = true
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{
			definition("cz-late", "0 6 * * *", "", time.Hour), definition("cz-well", "0 6 * * *", "", 0), off,
			definition("cz-leap", "0 0 29 2 *", "", 0), definition("cz-new", "0 6 * * *", "", 0),
		}})
		synctest.Wait()
		got := d.take()
		slices.Sort(got)
		want := []string{
			"05T12:30:00 cz-late 05T06:00:00", // once, and without jitter
			"05T12:30:00 cz-leap 05T12:30:00", // never ran, and no tick since years
			"05T12:30:00 cz-new 05T06:00:00",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, next := d.ticks("cz-well"); !next.Equal(at(t, "2000-01-06T06:00:00Z")) {
			t.Errorf("next is %s", next)
		}
		until(t, "2000-01-06T08:00:00Z")
		if got := d.take(); len(got) != 3 || d.told("cz-off@2000-01-06T06:00:00Z") {
			t.Errorf("got %v", got)
		}
		if last, _ := d.ticks("cz-late"); !last.Equal(at(t, "2000-01-06T06:00:00Z")) {
			t.Errorf("last is %s", last)
		}
	})
}

func TestSchedulerThroughSummerTime(t *testing.T) {
	t.Parallel()
	for zone, days := range map[string]map[string][]string{
		"Europe/Prague": {
			"2000-03-24T12:00:00Z": {"25T01:30:00", "26T01:00:00", "27T00:30:00"},
			"2000-10-27T12:00:00Z": {"28T00:30:00", "29T00:30:00", "30T01:30:00"},
		},
		"America/New_York": { // it changes at 02:00, so half past one is what occurs twice
			"2000-03-31T12:00:00Z": {"01T07:30:00", "02T07:00:00", "03T06:30:00"},
			"2000-10-27T12:00:00Z": {"28T06:30:00", "29T07:30:00", "30T07:30:00"},
		},
	} {
		for begin, want := range days {
			synctest.Test(t, func(t *testing.T) {
				until(t, begin)
				d := newDesk()
				d.last["cz-fixed"] = time.Now()
				start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-fixed", "30 2 * * *", zone, 0)}})
				time.Sleep(72 * time.Hour)
				var all []string
				for _, tick := range want {
					all = append(all, tick+" cz-fixed "+tick)
				}
				expect(t, d, all...)
			})
		}
	}
}

func TestSchedulerFiresEachHourOfAutumn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until(t, "2000-10-28T23:30:00Z")
		d := newDesk()
		d.last["cz-hours"] = time.Now()
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-hours", "0 * * * *", "Europe/Prague", 0)}})
		until(t, "2000-10-29T02:30:00Z")
		expect(t, d, "29T00:00:00 cz-hours 29T00:00:00", "29T01:00:00 cz-hours 29T01:00:00", "29T02:00:00 cz-hours 29T02:00:00")
	})
}

func TestSchedulerDelaysByJitterAndKeepsTheTick(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jitter func(time.Duration) time.Duration
		from   time.Duration
		to     time.Duration
	}{
		"a given part": {func(most time.Duration) time.Duration { return most / 4 }, 75 * time.Second, 75 * time.Second},
		"too much":     {func(most time.Duration) time.Duration { return 10 * most }, 5 * time.Minute, 5 * time.Minute},
		"by chance":    {nil, 0, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk()
				d.last["cz-one"] = time.Now()
				start(t, schedules.Options{Publisher: d, Ledger: d, Jitter: c.jitter, Definitions: []register.Definition{definition("cz-one", "@every 1h", "", 5*time.Minute)}})
				time.Sleep(20*time.Hour + 30*time.Minute)
				synctest.Wait()
				published := d.take()
				if len(published) != 20 {
					t.Fatalf("%d ticks", len(published))
				}
				different := map[time.Duration]bool{}
				for _, line := range published {
					parts := strings.Fields(line)
					when, err := time.Parse("02T15:04:05", parts[0])
					if err != nil {
						t.Fatal(err)
					}
					tick, err := time.Parse("02T15:04:05", parts[2])
					if err != nil {
						t.Fatal(err)
					}
					delay := when.Sub(tick)
					different[delay] = true
					if delay < c.from || delay > c.to || tick.Minute() != 0 {
						t.Errorf("%s: %s late", line, delay)
					}
				}
				if c.from < c.to && len(different) < 3 {
					t.Errorf("always %v late", slices.Collect(maps.Keys(different)))
				}
			})
		})
	}
}

func TestReplaceChangesWhatIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		for _, id := range []string{"cz-goes", "cz-stays", "cz-moves"} {
			d.last[id] = time.Now()
		}
		stays := definition("cz-stays", "0 6 * * *", "", 0)
		s := start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{
			definition("cz-goes", "0 6 * * *", "", 0), stays, definition("cz-moves", "0 6 * * *", "", 0),
		}})
		until(t, "2000-01-01T05:00:00Z")
		if err := s.Replace([]register.Definition{definition("cz-bad", "0 0 31 2 *", "", 0)}); err == nil || !strings.Contains(err.Error(), "cz-bad") {
			t.Fatalf("got %v", err)
		}
		stays.Title = "another title"
		if err := s.Replace([]register.Definition{stays, definition("cz-moves", "0 7 * * *", "", 0), definition("cz-comes", "0 8 * * *", "", 0)}); err != nil {
			t.Fatal(err)
		}
		expect(t, d, "01T05:00:00 cz-comes 31T08:00:00") // it never ran
		until(t, "2000-01-01T12:00:00Z")
		expect(t, d, "01T06:00:00 cz-stays 01T06:00:00", "01T07:00:00 cz-moves 01T07:00:00", "01T08:00:00 cz-comes 01T08:00:00")
		if err := s.Replace(nil); err != nil {
			t.Fatal(err)
		}
		until(t, "2000-01-03T12:00:00Z")
		expect(t, d)
	})
}

func TestPausedRegisterIsNotDueAndShowsWhatIsNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.last["cz-one"] = time.Now()
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-one", "0 6 * * *", "", 0)}})
		synctest.Wait()
		d.set(func() { d.paused["cz-one"] = true })
		until(t, "2000-01-02T12:00:00Z")
		expect(t, d)
		d.set(func() {
			if next := d.next["cz-one"]; !next.Equal(at(t, "2000-01-03T06:00:00Z")) {
				t.Errorf("next is %s", next)
			}
			if last := d.last["cz-one"]; !last.Equal(at(t, "2000-01-01T00:00:00Z")) {
				t.Errorf("last is %s, but nothing was published", last)
			}
			d.paused["cz-one"] = false
		})
		until(t, "2000-01-03T12:00:00Z")
		expect(t, d, "03T06:00:00 cz-one 03T06:00:00")
	})
}

func TestSchedulerTriesAgainUntilItIsPublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.last["cz-one"] = time.Now()
		broken := errors.New("no broker")
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-one", "0 6 * * *", "", 0)}})
		synctest.Wait()
		d.set(func() { d.failing = broken })
		until(t, "2000-01-01T06:00:10Z")
		expect(t, d)
		d.set(func() { d.failing = nil })
		until(t, "2000-01-01T06:02:00Z")
		expect(t, d, "01T06:00:15 cz-one 01T06:00:00") // after 1, 2, 4 and 8 seconds

		d.set(func() { d.failing = broken })
		until(t, "2000-01-04T06:00:30Z") // three ticks pass
		d.set(func() { d.failing = nil })
		until(t, "2000-01-05T12:00:00Z")
		published := d.take()
		if len(published) != 2 || !strings.HasSuffix(published[0], "cz-one 04T06:00:00") || published[1] != "05T06:00:00 cz-one 05T06:00:00" {
			t.Errorf("got %v", published)
		}
	})
}

func TestSchedulerWaitsForItsLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.failing = errors.New("no store")
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-one", "0 6 * * *", "", 0)}})
		time.Sleep(2 * time.Second)
		d.set(func() { d.failing = nil })
		time.Sleep(time.Minute)
		expect(t, d, "01T00:00:03 cz-one 31T06:00:00")
	})
}

func TestTwoSchedulersSendTheSameMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		definitions := []register.Definition{definition("cz-one", "15 6-20/2 * * 1-5", "Europe/Prague", 5*time.Minute), definition("cz-two", "@every 7h", "", time.Hour)}
		first, second := newDesk(), newDesk()
		start(t, schedules.Options{Publisher: first, Ledger: first, Definitions: definitions})
		time.Sleep(17*time.Minute + 3*time.Second)
		start(t, schedules.Options{Publisher: second, Ledger: second, Definitions: definitions})
		time.Sleep(30 * 24 * time.Hour)
		synctest.Wait()
		first.mu.Lock()
		defer first.mu.Unlock()
		second.mu.Lock()
		defer second.mu.Unlock()
		if len(first.ids) < 200 {
			t.Errorf("only %d messages", len(first.ids))
		}
		if diff := cmp.Diff(first.ids, second.ids); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNewSchedulerNamesEveryBadSchedule(t *testing.T) {
	t.Parallel()
	_, err := schedules.NewScheduler(schedules.Options{Definitions: []register.Definition{
		definition("cz-a", "nonsense", "", 0), definition("cz-b", "@daily", "", 0), definition("cz-c", "@daily", "Nowhere", 0),
	}})
	if err == nil || !strings.Contains(err.Error(), "cz-a") || !strings.Contains(err.Error(), "cz-c") || strings.Contains(err.Error(), "cz-b") {
		t.Errorf("got %v", err)
	}
}
