package app

import (
	"sync"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// flying is a clock on which every wait takes a moment, until it has flown far
// enough and stands.
type flying struct {
	mu      sync.Mutex
	now     time.Time
	until   time.Time
	arrived chan struct{}
}

func newFlying(far time.Duration) *flying {
	now := time.Now()
	return &flying{now: now, until: now.Add(far), arrived: make(chan struct{})}
}

func (f *flying) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *flying) After(d time.Duration) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	passed := make(chan time.Time, 1)
	if f.now = f.now.Add(d); f.now.After(f.until) {
		close(f.arrived)
		return passed // never
	}
	passed <- f.now
	return passed
}

// state gives what the operator was told by a webhook.
func state(t *testing.T, a *App, e received) register.State {
	t.Helper()
	out, err := a.Store.Events(t.Context(), []string{e.id})
	if err != nil || len(out) != 1 || out[0].Signal == nil {
		t.Fatalf("event %s: %+v, %v", e.id, out, err)
	}
	return out[0].Signal.State
}

// TestStaleIsToldWhereNoRunIsMade runs the service without the role that makes
// runs, for half a day.
func TestStaleIsToldWhereNoRunIsMade(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	hook := newInbox()
	site.Publish("/hook", hook)
	site.Publish("/list.csv", smallPage(numbered(0, 3, "site")...))
	def, paused := smallRegister(site.URL("/list.csv")), smallRegister(site.URL("/list.csv"))
	def.Schedule.Cron, paused.Schedule.Cron, paused.ID = "0 * * * *", "0 * * * *", "xx-paused"
	cfg := serviceConfig(t, site.URL("/hook"))
	cfg.Operators, cfg.NATS = []string{"hook"}, config.NATS{URL: ownBroker(t)}
	a := openWith(t, cfg, watching(def, paused))
	if err := a.Store.Pause(t.Context(), paused.ID); err != nil {
		t.Fatal(err)
	}

	r := startService(t, a)
	if run := r.nextRun(t); run.Outcome != register.OutcomeBaseline {
		t.Fatalf("first run: %s", run.Outcome)
	}
	r.stop()

	clock := newFlying(12 * time.Hour)
	r = startAt(t, a, []string{RoleSchedule, RoleNotify}, clock)
	if got := state(t, a, hook.wait(t, 1)[0]); got != register.StateStale {
		t.Errorf("told %s, want stale", got)
	}
	select {
	case <-clock.arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("half a day does not pass")
	}
	r.stop()

	r = startService(t, a)
	for range 2 {
		r.due(t, def.ID)
	}
	events := hook.wait(t, 2)
	if got := state(t, a, events[1]); got != register.StateRecovered || len(distinct(events)) != 2 {
		t.Errorf("told %s and %d things in all, want recovered and two", got, len(distinct(events)))
	}
}
