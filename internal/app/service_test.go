package app

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

const testToken = "a-token-of-the-test"

// running is a whole service in this process, with everything real: scheduler,
// NATS, worker, store, relay, stream, webhook.
type running struct {
	*service
	runs chan register.Run
	stop func()
}

func startService(t testing.TB, a *App) *running {
	t.Helper()
	return startRoles(t, a, nil)
}

func startRoles(t testing.TB, a *App, roles []string) *running {
	t.Helper()
	return startAt(t, a, roles, nil)
}

func startAt(t testing.TB, a *App, roles []string, clock schedules.Clock) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{runs: make(chan register.Run, 100)}
	ready, ended := make(chan *service, 1), make(chan error, 1)
	go func() { ended <- a.serve(ctx, roles, nil, hooks{ready: ready, runs: r.runs, clock: clock}) }()
	select {
	case r.service = <-ready:
	case err := <-ended:
		t.Fatalf("the service ended: %v", err)
	}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// due makes the register due now, as the scheduler does, and waits for the run.
func (r *running) due(t testing.TB, id string) register.Run {
	t.Helper()
	if err := r.bus.PublishDue(t.Context(), register.Due{Register: id, Tick: time.Now().UTC(), Trigger: register.TriggerSchedule}); err != nil {
		t.Fatal(err)
	}
	return r.nextRun(t)
}

func (r *running) nextRun(t testing.TB) register.Run {
	t.Helper()
	select {
	case run := <-r.runs:
		return run
	case <-time.After(30 * time.Second):
		t.Fatal("no run was made")
		return register.Run{}
	}
}

// serviceConfig watches one register, tells everything to a webhook, and lets
// consumers outside in.
func serviceConfig(t testing.TB, hook string) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	cfg.HTTP.Listen = "127.0.0.1:0"
	cfg.NATS.Listen = "127.0.0.1:" + strconv.Itoa(freePort(t))
	cfg.NATS.Token = "env:REGWATCH_TEST_TOKEN"
	t.Setenv("REGWATCH_TEST_TOKEN", testToken)
	t.Setenv("REGWATCH_TEST_SECRET", "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0IGluIGJhc2U2NA==")
	cfg.Subscriptions = []register.Subscription{{Name: "all", Registers: []string{"*"}, To: []string{"hook"}}}
	cfg.Channels = []register.Channel{{Name: "hook", Type: "webhook", Settings: map[string]any{
		"url": hook, "secret": "env:REGWATCH_TEST_SECRET", "allow_private": true,
	}}}
	return cfg
}

// freePort asks the system for a port that a server which is started anew can
// come back to.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func watching(definitions ...register.Definition) *definitionSet {
	set := &definitionSet{shipped: map[string]register.Definition{}, watched: map[string]register.Definition{}}
	for _, def := range definitions {
		set.watched[def.ID] = def
	}
	return set
}

func TestWholeServiceWithConsumersInsideAndOutside(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	hook := newInbox()
	site.Publish("/hook", hook)
	site.Publish("/list.csv", smallPage(numbered(0, 20, "site")...))
	def := smallRegister(site.URL("/list.csv"))
	a := openWith(t, serviceConfig(t, site.URL("/hook")), watching(def))
	r := startService(t, a)
	consumer := connectOutside(t, r.bus.URL(), testToken)

	// A register that was never run is due at once: the scheduler makes the baseline.
	if run := r.nextRun(t); run.Outcome != register.OutcomeBaseline || run.Entries != 20 {
		t.Fatalf("first run: %s, %d entries, %s", run.Outcome, run.Entries, run.Reason)
	}

	site.Publish("/list.csv", smallPage(numbered(0, 25, "site")...))
	if run := r.due(t, def.ID); run.Counts != (register.Counts{Added: 5}) {
		t.Fatalf("accepted %+v", run.Counts)
	}
	hook.wait(t, 5)
	consumer.wait(t, 5)

	// The consumer is away while two entries vanish and one changes.
	consumer.consume.Stop()
	site.Publish("/list.csv", smallPage(append(numbered(2, 24, "site"), "24,Name 24,app")...))
	if run := r.due(t, def.ID); run.Counts != (register.Counts{Changed: 1}) || run.Waiting != 2 {
		t.Fatalf("accepted %+v, %d waiting", run.Counts, run.Waiting)
	}
	if run := r.due(t, def.ID); run.Counts != (register.Counts{Removed: 2}) || !run.NotModified {
		t.Fatalf("accepted %+v, not modified %v", run.Counts, run.NotModified)
	}
	events := hook.wait(t, 8)
	if repeats := inSequence(t, events); repeats != 0 {
		t.Errorf("%d repeats although nothing was killed", repeats)
	}
	consumer.subscribe(t)
	events = consumer.wait(t, 8)
	if repeats := inSequence(t, events); repeats != 0 {
		t.Errorf("the stream gave %d repeats although nothing was killed", repeats)
	}

	// What is broken announces nothing, and the head stays.
	site.Publish("/list.csv", testsite.Plain("text/html", []byte("<!doctype html><title>Maintenance</title><p>Back soon</p>")))
	if run := r.due(t, def.ID); run.Outcome != register.OutcomeFailed || run.Entries != 23 {
		t.Fatalf("a web page in place of the file: %s, %d entries", run.Outcome, run.Entries)
	}
	r.stop()
	if n := countChanges(t, a); n != 8 {
		t.Errorf("%d changes in the store, want 8", n)
	}
}

func TestServiceStartedAgainGoesOn(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	hook := newInbox()
	site.Publish("/hook", testsite.Status(503, "text/plain", []byte("not now")))
	site.Publish("/list.csv", smallPage(numbered(0, 3, "site")...))
	def := smallRegister(site.URL("/list.csv"))
	a := openWith(t, serviceConfig(t, site.URL("/hook")), watching(def))

	r := startService(t, a)
	r.nextRun(t)
	site.Publish("/list.csv", smallPage(numbered(0, 6, "site")...))
	r.due(t, def.ID)
	r.stop()

	site.Publish("/hook", hook)
	again := startService(t, a)
	defer again.stop()
	if _, err := a.Store.Redeliver(t.Context(), register.DeliveryFilter{Register: def.ID}, time.Now()); err != nil {
		t.Fatal(err)
	}
	hook.wait(t, 3) // in what order depends on which of them had been tried before
	const seen = `regwatch_last_complete_fetch_timestamp_seconds{register="xx-small"}`
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(metricsOf(again), seen); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the metrics do not tell of a fetch before the start")
		}
	}
}

func metricsOf(r *running) string {
	answer := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func TestSecondServiceOnOneDirectoryIsRefused(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	site.Publish("/list.csv", smallPage("1,a,site"))
	a := openWith(t, serviceConfig(t, site.URL("/hook")), watching(smallRegister(site.URL("/list.csv"))))
	startService(t, a)
	if err := a.serve(t.Context(), nil, nil, hooks{}); err == nil {
		t.Fatal("a second service runs on the same data directory")
	}
}

func TestNothingToWatchSaysWhatToWrite(t *testing.T) {
	if err := openApp(t).serve(t.Context(), nil, nil, hooks{}); err == nil {
		t.Fatal("the service runs with nothing to watch")
	} else if msg := err.Error(); !strings.Contains(msg, "registers: [cz-mf-blocklist]") {
		t.Errorf("it does not say what to write: %s", msg)
	}
}
