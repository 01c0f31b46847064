package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/register"
)

// company makes the n-th entry of a register of companies.
func company(n int, status string) register.Entry {
	fields := register.Values{
		{Name: "name", Text: fmt.Sprintf("Company number %d, limited", n)},
		{Name: "url", Text: fmt.Sprintf("https://www.company-%d.example/", n*7919)},
		{Name: "reason", Text: "Offers games of chance without a licence under section 7 of the act"},
		{Name: "status", Text: status},
		{Name: "listed_on", Text: "2025-12-22"},
	}
	return register.Entry{Key: register.NewKey(fields[0].Text, fields[1].Text), Fields: fields, Content: register.ContentHash(fields)}
}

func companies(n int) []register.Entry {
	entries := make([]register.Entry, n)
	for i := range entries {
		entries[i] = company(i, "on")
	}
	return entries
}

// commitOf makes the commit of a whole watch run.
func commitOf(registerID string, version int64, outcome register.Outcome) register.Commit {
	at := time.Date(2025, 12, 23, 2, 0, 0, 0, time.UTC).Add(time.Duration(version) * time.Hour)
	return register.Commit{HeadVersion: version, Run: register.Run{
		Register: registerID, Tick: at, Trigger: register.TriggerSchedule, Origin: register.Watch, Outcome: outcome,
		StartedAt: at, ObservedAt: at.Add(time.Second), FinishedAt: at.Add(2 * time.Second),
		Proof: register.Proof{{Name: register.CheckFraming, Verdict: register.Pass}},
		Pages: []register.Page{{URL: "https://register.example/", SHA256: fmt.Sprintf("%064d", version)}},
	}}
}

func BenchmarkBaseline(b *testing.B) {
	for _, n := range []int{1_000, 20_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			entries := companies(n)
			for b.Loop() {
				b.StopTimer()
				store := openBench(b)
				b.StartTimer()
				c := commitOf("cz-bench", 0, register.OutcomeBaseline)
				c.Baseline = register.All(entries)
				if _, _, err := store.Commit(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCommit27(b *testing.B) {
	store := openBench(b)
	c := commitOf("cz-bench", 0, register.OutcomeBaseline)
	c.Baseline = register.All(companies(20_000))
	if _, _, err := store.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	version := int64(0)
	for b.Loop() {
		version++
		c := commitOf("cz-bench", version, register.OutcomeChanged)
		for i := range 27 {
			e := company(1_000_000+int(version)*27+i, "on")
			c.Accepted = append(c.Accepted, register.Accepted{Kind: register.Added, After: &e})
		}
		if _, _, err := store.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHead(b *testing.B) {
	store := openBench(b)
	c := commitOf("cz-bench", 0, register.OutcomeBaseline)
	c.Baseline = register.All(companies(100_000))
	if _, _, err := store.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	b.Run("first page as of", func(b *testing.B) {
		enough := errors.New("enough")
		for b.Loop() {
			left := 50
			err := store.AsOf(b.Context(), "cz-bench", c.Run.FinishedAt, func(register.Listing) error {
				if left--; left == 0 {
					return enough
				}
				return nil
			})
			if !errors.Is(err, enough) {
				b.Fatal(err)
			}
		}
	})
	b.Run("entries", func(b *testing.B) {
		for b.Loop() {
			if _, err := store.HeadEntries(b.Context(), "cz-bench"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("as of", func(b *testing.B) {
		for b.Loop() {
			err := store.AsOf(b.Context(), "cz-bench", c.Run.FinishedAt, func(register.Listing) error { return nil })
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFind looks for a text that one entry has, and for one that all have.
func BenchmarkFind(b *testing.B) {
	store := openBench(b)
	c := commitOf("cz-bench", 0, register.OutcomeBaseline)
	c.Baseline = register.All(companies(100_000))
	if _, _, err := store.Commit(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	find := func(name, text string) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := store.Find(b.Context(), "cz-bench", time.Time{}, text, func(register.Listing) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	find("one, not indexed", "number 4711,")
	for indexed := true; indexed; {
		var err error
		if indexed, err = store.IndexBlock(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	find("one, indexed", "number 4711,")
	find("all, indexed", "limited")
}

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	return open(b, filepath.Join(b.TempDir(), "store.db"))
}
