package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func testRefused(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a := entry("a", "1")
	early := s.next(register.OutcomeChanged)
	early.Accepted = []register.Accepted{added(a)}
	refused(t, s, "changes before a baseline", early)
	s.baseline(a)
	twice := s.next(register.OutcomeBaseline)
	twice.Baseline = register.All([]register.Entry{entry("b", "")})
	refused(t, s, "a second baseline", twice)
	failed := s.next(register.OutcomeFailed)
	failed.Accepted = []register.Accepted{removed(a)}
	refused(t, s, "a failed run with changes", failed)
	unseen := s.next(register.OutcomeUnchanged)
	unseen.Run.ObservedAt = time.Time{}
	refused(t, s, "a run that observed nothing", unseen)
	for name, accepted := range map[string]register.Accepted{
		"removal of an entry that is not there": removed(entry("b", "")),
		"change of other content":               changed(entry("a", "0"), entry("a", "2")),
		"addition of what is there":             added(a),
		"removal of nothing":                    {Kind: register.Removed},
		"rekeying to nothing":                   {Kind: register.Rekeyed, Before: &a},
		"missing since an unknown run":          absent(a, register.Run{ID: 99, ObservedAt: s.now}),
		"a kind that is none":                   {Kind: "lost", Before: &a, After: &a},
	} {
		c := s.next(register.OutcomeChanged)
		c.Accepted = []register.Accepted{accepted}
		refused(t, s, name, c)
	}
}

// refused fails the test if the commit is taken, or leaves anything.
func refused(t *testing.T, s *site, name string, c register.Commit) {
	t.Helper()
	leavesNothing(t, s, func() {
		if _, _, err := s.store.Commit(t.Context(), c); err == nil {
			t.Errorf("%s: was committed", name)
		}
	})
}

// leavesNothing fails the test if act changes what the store holds.
func leavesNothing(t *testing.T, s *site, act func()) {
	t.Helper()
	before, entries := holdings(t, s)
	act()
	after, entriesAfter := holdings(t, s)
	same(t, "what the store holds", after, before)
	same(t, "head entries", entriesAfter, entries)
	check(t, s.store.Check(t.Context()))
}

func holdings(t *testing.T, s *site) (register.StoreStats, []register.Entry) {
	t.Helper()
	stats, err := s.store.Stats(t.Context())
	check(t, err)
	stats.Bytes = 0
	entries, err := s.store.HeadEntries(t.Context(), s.id)
	check(t, err)
	return stats, entries
}

func testAtomic(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, b := entry("a", "1"), entry("b", "1")
	s.baseline(a, b)
	c := s.next(register.OutcomeChanged)
	c.Signals = []register.Signal{{State: register.StateReleased}}
	c.Accepted = []register.Accepted{removed(a), added(entry("c", "")), added(b)} // the last one is there already
	refused(t, s, "a commit whose last change fails", c)
	c.Accepted = c.Accepted[:2]
	_, changes := s.commit(c) // the same tick: nothing of it was recorded
	if *changes[1].Sequence != 2 || changes[1].Cursor != 2 {
		t.Errorf("the failed commit took sequence or cursor: %d, %d", *changes[1].Sequence, changes[1].Cursor)
	}
}

// testConcluded commits baselines of which it is known only at their end what they
// are, or that they are none.
func testConcluded(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	entries := []register.Entry{entry("a", "1"), entry("b", "1")}
	c := s.next(register.OutcomeBaseline)
	whole := c.Run
	whole.Pages = []register.Page{{URL: "https://register.example/", SHA256: "0123"}}
	whole.Read.Rows, whole.Reason, whole.FinishedAt = 7, "told at the end", whole.FinishedAt.Add(time.Second)
	memory := register.Memory{Seen: register.Hash{1}, Missing: []register.Missing{{Key: entries[0].Key, Content: entries[0].Content, Since: s.now}}}
	read := 0
	c.Run.Proof, c.Run.Pages = nil, nil
	c.Baseline = func(yield func(register.Entry, error) bool) {
		for _, e := range entries {
			if read++; !yield(e, nil) {
				return
			}
		}
	}
	conclude := func(c *register.Commit) error {
		if read != len(entries) {
			t.Errorf("it is concluded after %d entries", read)
		}
		c.Run, c.Memory = whole, memory
		c.Signals = []register.Signal{{State: register.StateRecovered}}
		return nil
	}
	none := errors.New("no whole page")
	for name, test := range map[string]struct {
		conclude func(c *register.Commit) error
		want     error
	}{
		"it is none":          {func(*register.Commit) error { return none }, none},
		"it is no commit now": {func(c *register.Commit) error { c.Run.Register = ""; return nil }, nil},
	} {
		c.Conclude, read = test.conclude, 0
		leavesNothing(t, s, func() {
			if _, _, err := s.store.Commit(t.Context(), c); err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	c.Conclude, read = conclude, 0
	run, _, err := s.store.Commit(t.Context(), c)
	check(t, err)
	recorded, err := s.store.Run(t.Context(), run.ID)
	check(t, err)
	same(t, "the run as recorded", recorded, run)
	whole.ID, whole.Entries, whole.Waiting = run.ID, 2, 1
	same(t, "the run", exactly(run), exactly(whole))
	head, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	if head.SeenRun != run.ID || head.BelievedRun != run.ID || head.Entries != 2 || head.Memory.Seen != memory.Seen || head.Memory.Missing[0].Run != run.ID {
		t.Errorf("the head is %+v", head)
	}
	events, err := s.store.Unpublished(t.Context(), 0, 10)
	check(t, err)
	if len(events) != 1 || events[0].Signal == nil {
		t.Errorf("%d events in the outbox, want the signal", len(events))
	}
	check(t, s.store.Check(t.Context()))
}

// exactly gives a run with its instants as stores keep them.
func exactly(r register.Run) register.Run {
	for _, at := range []*time.Time{&r.Tick, &r.StartedAt, &r.ObservedAt, &r.FinishedAt} {
		*at = at.UTC().Truncate(time.Microsecond)
	}
	return r
}

func testCanceled(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	var entries []register.Entry
	for i := range 5000 {
		entries = append(entries, entry(string(rune('a'+i%26))+time.Duration(i).String(), "1"))
	}
	c := s.next(register.OutcomeBaseline)
	c.Baseline = register.All(entries)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	leavesNothing(t, s, func() {
		if _, _, err := s.store.Commit(canceled, c); !errors.Is(err, context.Canceled) {
			t.Errorf("commit under a canceled context: %v", err)
		}
	})
	for wait := time.Millisecond; ; wait *= 2 {
		short, cancel := context.WithTimeout(t.Context(), wait)
		_, _, err := s.store.Commit(short, c)
		cancel()
		stats, got := holdings(t, s)
		if err == nil || errors.Is(err, register.ErrAlreadyRun) { // committed, or so and the answer was lost
			same(t, "entries", len(got), len(entries))
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("commit that was canceled after %v: %v", wait, err)
		}
		if len(got)+int(stats.Runs)+int(stats.Versions) > 0 {
			t.Fatalf("after %v and %v: %d entries, %d runs", wait, err, len(got), stats.Runs)
		}
	}
	check(t, s.store.Check(t.Context()))
}
