package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
)

// TestSlimmed opens a store that was written under schema 6, which knew entries
// by their keys' text, and asks for all that it held. testdata/schema6.sql is a
// dump of what that release wrote.
func TestSlimmed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	dump, err := os.ReadFile("testdata/schema6.sql")
	if err != nil {
		t.Fatal(err)
	}
	raw(t, path, string(dump))
	store := open(t, path)
	if err := store.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := time.Date(2025, 12, 23, 3, 0, 0, 0, time.UTC)
	entry := func(name, status string) register.Entry {
		fields := register.Values{{Name: "name", Text: name}, {Name: "status", Text: status}}
		return register.Entry{Key: register.NewKey(name), Fields: fields, Content: register.ContentHash(fields)}
	}
	a, b, c, x := entry("a", "1"), entry("b \"quoted\" <é>", "1"), entry("c", "1"), entry("x", "2")
	for at, want := range map[time.Time][]register.Entry{
		begun:                    {a, b, c, entry("x", "1"), x},
		begun.Add(2 * time.Hour): {b, x, entry("a", "2")},
		{}:                       {b, x, entry("a", "2"), c},
	} {
		var got []register.Entry
		err := store.AsOf(t.Context(), "cz-games", at, func(l register.Listing) error { got = append(got, l.Entry); return nil })
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("as of %s: %v (-want +got):\n%s", at, err, d)
		}
	}
	found, err := store.HeadEntriesOf(t.Context(), "cz-games", []register.Hash{c.Identity(), a.Identity(), b.Identity()})
	if d := cmp.Diff([]register.Entry{c, b}, found); err != nil || d != "" {
		t.Errorf("by identity: %v (-want +got):\n%s", err, d)
	}
	periods, err := store.Periods(t.Context(), "cz-games", []register.Key{a.Key, c.Key, x.Key})
	want := map[register.Key][]register.Period{c.Key: {{From: begun, To: begun.Add(2 * time.Hour)}}}
	if d := cmp.Diff(want, periods); err != nil || d != "" {
		t.Errorf("periods: %v (-want +got):\n%s", err, d)
	}
	for _, id := range []string{"cz-games", "ee-sites"} {
		history, err := store.Entry(t.Context(), id, a.Key)
		if err != nil || history.Key != a.Key || len(history.Listings) != map[string]int{"cz-games": 2, "ee-sites": 1}[id] {
			t.Errorf("entry of %s: %+v, %v", id, history, err)
		}
	}
	next := commitOf("cz-games", 3, register.OutcomeChanged)
	next.Run.Trigger = register.TriggerManual
	next.Accepted = []register.Accepted{{Kind: register.Removed, Before: &x}}
	if _, changes, err := store.Commit(t.Context(), next); err != nil || *changes[0].Sequence != 5 {
		t.Errorf("commit after the migration: %v, %v", changes, err)
	}
}
