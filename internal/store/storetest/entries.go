package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// testBaselineStream commits baselines that end well, end with an error, and
// bring an entry twice.
func testBaselineStream(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	entries := numbered(123)
	torn := errors.New("the page ended early")
	for name, after := range map[string]func(yield func(register.Entry, error) bool){
		"an error of the sequence":  func(yield func(register.Entry, error) bool) { yield(register.Entry{}, torn) },
		"an entry that comes twice": func(yield func(register.Entry, error) bool) { yield(entries[7], nil) },
	} {
		c := s.next(register.OutcomeBaseline)
		c.Baseline = func(yield func(register.Entry, error) bool) {
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			after(yield)
		}
		leavesNothing(t, s, func() {
			_, _, err := s.store.Commit(t.Context(), c)
			if err == nil || name == "an error of the sequence" && !errors.Is(err, torn) {
				t.Errorf("%s: commit gives %v", name, err)
			}
		})
	}
	run := s.baseline(entries...)
	same(t, "entries of the run", run.Entries, len(entries))
	stored, err := s.store.Run(t.Context(), run.ID)
	check(t, err)
	same(t, "entries of the run as recorded", stored.Entries, len(entries))
	s.sees(entries...)
	empty := watch(t, s.store, "cz-empty")
	same(t, "entries of an empty baseline", empty.baseline().Entries, 0)
	empty.sees()
}

// testHeadEntries streams the head and asks for entries by their identities.
func testHeadEntries(t *testing.T, open Database) {
	s, ctx := watch(t, open(t), "cz-games"), t.Context()
	entries := numbered(1234)
	s.baseline(entries...)
	gone, a2 := entries[0], entry("a", "2")
	s.accept(removed(gone), changed(entries[1], a2))
	watch(t, s.store, "cz-other").baseline(entries[0], entry("other", "1"))
	now := append(slices.Clone(entries[2:]), a2) // in the order in which they joined

	var streamed []register.Entry
	check(t, s.store.EachHeadEntry(ctx, s.id, func(e register.Entry) error {
		streamed = append(streamed, e)
		return nil
	}))
	same(t, "stream", streamed, now)
	stop := errors.New("enough")
	if err := s.store.EachHeadEntry(ctx, s.id, func(register.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of yield came back as %v", err)
	}
	check(t, s.store.EachHeadEntry(ctx, "cz-none", func(register.Entry) error { return stop }))

	wanted := []register.Hash{gone.Identity(), {1, 2, 3}, entries[1].Identity(), entry("other", "1").Identity()}
	var want []register.Entry
	for i := len(now) - 1; i >= 0; i -= 2 {
		wanted, want = append(wanted, now[i].Identity()), append(want, now[i])
	}
	found, err := s.store.HeadEntriesOf(ctx, s.id, wanted)
	check(t, err)
	same(t, "entries by identity", found, want)
	found, err = s.store.HeadEntriesOf(ctx, s.id, nil)
	check(t, err)
	same(t, "entries of no identity", len(found), 0)
}

// numbered makes entries that differ, two of them with one key.
func numbered(n int) []register.Entry {
	entries := make([]register.Entry, n)
	for i := range entries {
		entries[i] = entry(fmt.Sprint("number ", i/2), fmt.Sprint(i))
	}
	return entries
}
