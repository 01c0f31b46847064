package pipeline_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/archive"
	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// bench is a pipeline on real parts, a web site that it watches, and a clock
// that gives every run a tick of its own.
type bench struct {
	*testing.T
	*pipeline.Pipeline
	store   *sqlite.Store
	archive scraper.Archive
	site    *testsite.Site
	def     register.Definition
	tick    time.Time
}

type bodies struct{ *archive.Archive }

func (b bodies) Create(ctx context.Context) (scraper.Body, error) { return b.Archive.Create(ctx) }

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	a, err := archive.Open(filepath.Join(dir, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "regwatch.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	s := scraper.New(scraper.Options{Archive: bodies{a}, HostRate: 10_000, RetryBase: time.Millisecond})
	t.Cleanup(func() {
		s.Close()
		site.Close()
		store.Close()
		a.Close()
	})
	return &bench{
		T: t, store: store, archive: bodies{a}, site: site, tick: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		Pipeline: &pipeline.Pipeline{Source: s, Heads: store, Commits: store, Open: a.Open, Now: time.Now},
		def: register.Definition{
			ID: "xx-list", Title: "List", Authority: register.Authority{Name: "Authority", Country: "XX"},
			Fetch: register.Fetch{URLs: []string{site.URL("/list.csv")}, AllowPrivate: true, Timeout: 5 * time.Second},
			Parse: register.Parse{Format: register.FormatCSV},
			Fields: []register.Field{
				{Name: "number", From: []register.Source{{Name: "id"}}},
				{Name: "name", From: []register.Source{{Name: "name"}}},
				{Name: "reason", From: []register.Source{{Name: "reason"}}, Optional: true},
			},
			Key: []string{"number"},
		},
	}
}

// publish puts a CSV of id and name on the site.
func (b *bench) publish(rows ...string) {
	b.site.Publish("/list.csv", testsite.Plain("text/csv", []byte("id,name\n"+strings.Join(rows, "\n")+"\n")))
}

// due makes the next tick's message, an hour after the last.
func (b *bench) due() register.Due {
	b.tick = b.tick.Add(time.Hour)
	return register.Due{Register: b.def.ID, Tick: b.tick, Trigger: register.TriggerSchedule, Interval: time.Hour}
}

// run makes a run of the next tick.
func (b *bench) run() (register.Run, []register.Change) {
	b.Helper()
	run, changes, err := b.Run(b.Context(), b.def, b.due())
	if err != nil {
		b.Fatal(err)
	}
	return run, changes
}

// Run makes a run; it stands in the way of testing.T's Run, which is not used.
func (b *bench) Run(ctx context.Context, def register.Definition, due register.Due) (register.Run, []register.Change, error) {
	return b.Pipeline.Run(ctx, def, due)
}

// expect fails unless a run of the next tick has that outcome and those counts.
func (b *bench) expect(outcome register.Outcome, counts register.Counts) register.Run {
	b.Helper()
	run, _ := b.run()
	if run.Outcome != outcome || run.Counts != counts {
		b.Fatalf("run: %s %+v (%s), want %s %+v", run.Outcome, run.Counts, run.Reason, outcome, counts)
	}
	return run
}

// signals gives what the operator was told, oldest first.
func (b *bench) signals() []register.Signal {
	b.Helper()
	outgoing, err := b.store.Unpublished(b.Context(), 0, 1000)
	if err != nil {
		b.Fatal(err)
	}
	var signals []register.Signal
	for _, o := range outgoing {
		if o.Signal != nil {
			signals = append(signals, *o.Signal)
		}
	}
	return signals
}

// head gives the believed entries as "number name".
func (b *bench) head() []string {
	b.Helper()
	entries, err := b.store.HeadEntries(b.Context(), b.def.ID)
	if err != nil {
		b.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.Fields.Get("number")+" "+e.Fields.Get("name"))
	}
	return lines
}
