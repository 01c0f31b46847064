package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

// TestFindIndexed asks the index what reading through every entry would find,
// while some blocks of it are made and some are not.
func TestFindIndexed(t *testing.T) {
	store, ctx := openAlone(t), t.Context()
	store.partBytes = 400 << 10 // each block is indexed in several parts
	var entries []register.Entry
	var lines []string // what is searched of each
	for i := range 3 << (blockBits - 1) {
		fields := register.Values{{Name: "domain", Text: fmt.Sprintf("Site-%d.example", i*7919)}, {Name: "name", Text: fmt.Sprintf("казино %x", i*i)}}
		e := register.Entry{Key: register.NewKey(fields[0].Text), Fields: fields, Content: register.ContentHash(fields)}
		entries, lines = append(entries, e), append(lines, strings.Join(searched(e), "\n"))
	}
	begun := time.Date(2025, 12, 23, 2, 0, 0, 0, time.UTC)
	commit := func(id string, at time.Time, c register.Commit) {
		t.Helper()
		c.Run.Register, c.Run.Trigger, c.Run.Origin, c.Run.ObservedAt = id, register.TriggerManual, register.Watch, at
		if _, _, err := store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	baseline := func(entries []register.Entry) register.Commit {
		return register.Commit{Run: register.Run{Outcome: register.OutcomeBaseline}, Baseline: register.All(entries)}
	}
	commit("cz-other", begun, baseline(entries[:1000]))
	commit("cz-games", begun, baseline(entries))
	ended := begun.Add(time.Hour)
	commit("cz-games", ended, register.Commit{HeadVersion: 1, Run: register.Run{Outcome: register.OutcomeChanged}, Accepted: []register.Accepted{
		{Kind: register.Removed, Before: &entries[1]}, {Kind: register.Removed, Before: &entries[len(entries)-1]},
	}})
	compare := func(id string, at time.Time, text string) {
		var got, want []register.Entry
		err := store.Find(ctx, id, at, text, func(l register.Listing) error { got = append(got, l.Entry); return nil })
		if err != nil {
			t.Errorf("find %q: %v", text, err)
		}
		listed, wanted := entries, folded(text)
		if id == "cz-other" {
			listed = entries[:1000]
		}
		for i, e := range listed {
			gone := id == "cz-games" && at.IsZero() && (i == 1 || i == len(entries)-1)
			if !gone && strings.Contains(lines[i], wanted) {
				want = append(want, e)
			}
		}
		if !slices.EqualFunc(got, want, func(a, b register.Entry) bool { return a.Identity() == b.Identity() }) {
			t.Errorf("%s at %s: found %d by %q, want %d: %s", id, stamp(at), len(got), text, len(want), cmp.Diff(first(want), first(got)))
		}
	}
	texts := []string{"SITE-7919.", "казино 1", "КАЗИНО 77", "79", entries[len(entries)-1].Fields[0].Text, "e\nк", "nowhere at all"}
	for blocks := 0; ; blocks++ {
		for _, text := range texts {
			compare("cz-games", begun, text)
			if blocks > 0 {
				compare("cz-games", time.Time{}, text)
			}
			compare("cz-other", time.Time{}, text)
		}
		if blocks == 0 { // a process ended behind the first part
			index, err := store.readBlock(ctx, 0, 0, 2)
			if err == nil {
				err = store.saveBlock(ctx, 0, index, false)
			}
			if err != nil {
				t.Fatal(err)
			}
			compare("cz-games", begun, texts[0])
		}
		indexed, err := store.IndexBlock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !indexed {
			if blocks != 1 {
				t.Errorf("%d blocks of %d entries were indexed, want 1", blocks, len(entries)+1000)
			}
			break
		}
	}
	for i := 0; i < len(entries); i += len(entries) / 20 { // parts of texts, of any length that the index knows
		text := []rune(entries[i].Fields[i%2].Text)
		compare("cz-games", begun, string(text[i%3:3+i%3+i%(len(text)-5)]))
	}
}

func first(entries []register.Entry) []register.Entry { return entries[:min(len(entries), 2)] }

// TestPlacesRoundTrip reads back what was noted.
func TestPlacesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.IntRange(0, 1<<blockBits-1), 1, 50, rapid.ID).Draw(t, "places")
		slices.Sort(want)
		index := new(postings)
		var all [1 << 16]bool
		for pair := range all {
			all[pair] = true
		}
		for _, place := range want {
			index.add("abcabc", place, &all)
		}
		index.add("abd", 1<<blockBits-1, &all)
		for trigram := range trigrams("abcab") {
			distances, err := unpack(index[trigram.pair()].pack(), trigram)
			got, readErr := readPlaces(distances)
			if err := errors.Join(err, readErr); err != nil || !slices.Equal(got, want) {
				t.Fatalf("places %v, %v; want %v", got, err, want)
			}
		}
	})
}
