package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// await waits for a text in the log, and forgets what came before it.
func (l *lines) await(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		_, after, found := strings.Cut(l.text.String(), want)
		if found {
			l.text.Reset()
			l.text.WriteString(after)
		}
		text := l.text.String()
		l.mu.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q:\n%s", want, text)
		}
	}
}

func TestReload(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	site.Publish("/list.csv", smallPage("1,a,site"))
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		write(fmt.Sprintf("r%d.yaml", i), fmt.Sprintf(`
id: cz-r%d
title: Register
authority: {name: Authority, country: CZ}
schedule: {cron: "0 0 1 1 *"}
fetch: {url: "%s", allow_private: true}
parse: {format: csv}
fields: {number: {from: id}}
key: [number]
`, i, site.URL("/list.csv")))
	}
	const base = "http: {listen: \"127.0.0.1:0\"}\n"
	write("regwatch.yaml", base+"registers: [./r0.yaml]\n")
	log := &lines{}
	a, err := Open(t.Context(), Options{Data: dir, Version: "test", Stderr: log, hostRate: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, cancel := context.WithCancel(t.Context())
	reload, ended, runs := make(chan struct{}), make(chan error, 1), make(chan register.Run, 10)
	go func() { ended <- a.serve(ctx, nil, reload, hooks{runs: runs}) }()
	if run := <-runs; run.Register != "cz-r0" {
		t.Errorf("a run of %s", run.Register)
	}

	write("regwatch.yaml", base+"registers: [./r0.yaml, ./r1.yaml]\nsubscriptionz: []\n")
	reload <- struct{}{}
	log.await(t, "the old ones stay in force")
	if watched, _ := a.definitions.all(); len(watched) != 1 {
		t.Errorf("%d registers after a broken file", len(watched))
	}

	write("regwatch.yaml", base+"registers: [./r0.yaml, ./r1.yaml]\nscrape: {workers: 7}\n")
	reload <- struct{}{}
	log.await(t, "needs a restart")
	select {
	case run := <-runs:
		if run.Register != "cz-r1" || run.Outcome != register.OutcomeBaseline {
			t.Errorf("%s of %s", run.Outcome, run.Register)
		}
	case <-time.After(20 * time.Second):
		t.Error("the new register is not run")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestTickWhoseMessageIsLostIsMadeUpFor: the scheduler has saved the tick, and the
// message went with the broker before a run came of it.
func TestTickWhoseMessageIsLostIsMadeUpFor(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	site.Publish("/list.csv", smallPage("1,a,site"))
	def := smallRegister(site.URL("/list.csv"))
	a := openWith(t, serviceConfig(t, site.URL("/hook")), watching(def))
	year := time.Now().UTC().Year()
	for _, saved := range []int{year, year + 5} { // the second one by a clock that was wrong
		last := time.Date(saved, 1, 1, 0, 0, 0, 0, time.UTC)
		if err := a.Store.SaveTicks(t.Context(), def.ID, last, time.Time{}); err != nil {
			t.Fatal(err)
		}
		got, err := (ticks{a.Store}).LastTick(t.Context(), def.ID)
		if err != nil || !got.IsZero() {
			t.Errorf("last tick %v, %v; no run came of %v", got, err, last)
		}
	}
	r := startService(t, a)
	run := r.nextRun(t)
	if want := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC); !run.Tick.Equal(want) {
		t.Errorf("tick %v, want %v", run.Tick, want)
	}
	r.stop()
	r = startService(t, a)
	r.due(t, def.ID)
	if runs, err := a.Store.Runs(t.Context(), register.RunFilter{}); err != nil || len(runs) != 2 {
		t.Errorf("%d runs, %v; a tick that was run is not made up for", len(runs), err)
	}
}
