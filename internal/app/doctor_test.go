package app

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// watchingOne opens an app that watches one register at a URL.
func watchingOne(t *testing.T, url string, private bool) *App {
	t.Helper()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	def := smallRegister(url)
	def.Fetch.AllowPrivate = private
	return openWith(t, cfg, &definitionSet{watched: map[string]register.Definition{def.ID: def}})
}

func only(t *testing.T, findings []Finding) Finding {
	t.Helper()
	if len(findings) != 1 {
		t.Fatalf("%d findings, want 1: %+v", len(findings), findings)
	}
	return findings[0]
}

func TestDoctorOnTheNetwork(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String() + "/list.csv"
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, url string
		private   bool
		verdict   Verdict
		detail    string
		next      string
	}{
		{"a host that answers", site.URL("/list.csv"), true, Fine, "answers", ""},
		{"a private host that the definition does not allow", site.URL("/list.csv"), false, Warning, "refused", "adding-a-register"},
		{"a host that is down", nobody, true, Warning, "refused", "firewall"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := only(t, watchingOne(t, test.url, test.private).aboutNetwork(t.Context()))
			if f.Verdict != test.verdict || !strings.Contains(f.Detail, test.detail) {
				t.Errorf("%+v, want %s with %q", f, test.verdict, test.detail)
			}
			if test.verdict == Warning && (!strings.Contains(f.Next, test.next) || !strings.Contains(f.Detail, "xx-small")) {
				t.Errorf("%+v does not say for which register, or what to do", f)
			}
		})
	}
}

func TestDoctorOnTheClock(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	a := watchingOne(t, site.URL("/"), true)
	if f := only(t, a.aboutClock(t.Context())); f.Verdict != Fine || !strings.Contains(f.Detail, "as 127.0.0.1") {
		t.Errorf("a clock that agrees with a host: %+v", f)
	}
	site.Publish("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	}))
	if f := only(t, a.aboutClock(t.Context())); f.Verdict != Warning || !strings.Contains(f.Detail, "1h0m") || f.Next == "" {
		t.Errorf("a clock that is an hour ahead of a host: %+v", f)
	}
	run := register.Run{
		Register: "xx-small", Trigger: register.TriggerManual, Origin: register.Watch, Outcome: register.OutcomeFailed,
		StartedAt: time.Now().Add(time.Hour), ObservedAt: time.Now().Add(time.Hour), FinishedAt: time.Now().Add(time.Hour),
	}
	if _, _, err := a.Store.Commit(t.Context(), register.Commit{Run: run}); err != nil {
		t.Fatal(err)
	}
	if f := only(t, a.aboutClock(t.Context())); f.Verdict != Broken || !strings.Contains(f.Detail, "xx-small") {
		t.Errorf("a clock that went back behind a run: %+v", f)
	}
}

func TestDoctorOnARegisterThatFails(t *testing.T) {
	a := watchingOne(t, "http://127.0.0.1:9/", true)
	if findings := a.aboutRegisters(t.Context()); len(findings) != 0 {
		t.Errorf("a register that was never fetched: %+v", findings)
	}
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	failing := &register.Failing{Class: register.ClassStatus, Reason: "HTTP 404", Since: since, Runs: 3}
	run := register.Run{Register: "xx-small", Trigger: register.TriggerManual, Origin: register.Watch, Outcome: register.OutcomeFailed, StartedAt: since, ObservedAt: since, FinishedAt: since}
	if _, _, err := a.Store.Commit(t.Context(), register.Commit{Run: run, Memory: register.Memory{Failing: failing}}); err != nil {
		t.Fatal(err)
	}
	f := only(t, a.aboutRegisters(t.Context()))
	if f.Verdict != Warning || !strings.Contains(f.Detail, "fails since 2026-01-02T03:04:05Z: HTTP 404") {
		t.Errorf("%+v", f)
	}
	if err := a.Pause(t.Context(), "xx-small"); err != nil {
		t.Fatal(err)
	}
	if r, err := a.Register(t.Context(), "xx-small"); err != nil || !r.Next.IsZero() || r.State.PausedAt.IsZero() {
		t.Errorf("a paused register: %+v, %v", r, err)
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_234_567: "1.2 MB", 5e12: "5.0 TB"} {
		if have := size(bytes); have != want {
			t.Errorf("size(%d) = %q, want %q", bytes, have, want)
		}
	}
}

func TestReachable(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", ":8080": "127.0.0.1:8080", "0.0.0.0:80": "127.0.0.1:80",
		"[::]:80": "127.0.0.1:80", "[::1]:80": "[::1]:80", "host:1": "host:1", "no port": "no port",
	} {
		if have := reachable(listen); have != want {
			t.Errorf("reachable(%q) = %q, want %q", listen, have, want)
		}
	}
}
