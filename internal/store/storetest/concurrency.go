package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func testHeadMoved(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	s.baseline(entry("a", "1"))
	first, late := s.next(register.OutcomeUnchanged), s.next(register.OutcomeChanged)
	late.Accepted = []register.Accepted{added(entry("b", ""))}
	s.commit(first)
	leavesNothing(t, s, func() {
		if _, _, err := s.store.Commit(t.Context(), late); !errors.Is(err, register.ErrHeadMoved) {
			t.Errorf("commit on an old head: %v", err)
		}
	})
}

func testAlreadyRun(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	c := s.next(register.OutcomeBaseline)
	c.Baseline = register.All([]register.Entry{entry("a", "1")})
	ran := func() bool {
		ran, err := s.store.RanAt(t.Context(), s.id, c.Run.Tick)
		check(t, err)
		return ran
	}
	if ran() {
		t.Error("a run is recorded before it was committed")
	}
	s.commit(c)
	if !ran() {
		t.Error("a run is not recorded after it was committed")
	}
	again := s.next(register.OutcomeUnchanged)
	again.Run.Tick = c.Run.Tick.In(time.FixedZone("elsewhere", 3600))
	for _, version := range []int64{again.HeadVersion, c.HeadVersion} {
		again.HeadVersion = version
		leavesNothing(t, s, func() {
			if _, _, err := s.store.Commit(t.Context(), again); !errors.Is(err, register.ErrAlreadyRun) {
				t.Errorf("second run of one tick: %v", err)
			}
		})
	}
	again.HeadVersion, again.Run.Trigger = 1, register.TriggerManual
	s.commit(again)
}

func testTwoHandles(t *testing.T, open Database) {
	const each = 15
	handles := []Store{open(t), open(t)}
	watch(t, handles[0], "cz-games").baseline(entry("a", "1"))
	done := make(chan int)
	for i, store := range handles {
		go func() {
			s := watch(t, store, "cz-games")
			s.now = s.now.Add(time.Duration(i+1) * time.Minute)
			moved := 0
			defer func() { done <- moved }()
			for n := 0; n < each; {
				c := s.next(register.OutcomeChanged)
				c.Accepted = []register.Accepted{added(entry(c.Run.Tick.String(), "")), added(entry(c.Run.Tick.String()+"+", ""))}
				_, _, err := store.Commit(context.WithoutCancel(t.Context()), c)
				switch {
				case errors.Is(err, register.ErrHeadMoved):
					moved++
				case err != nil:
					t.Error(err)
					n = each
				default:
					n++
				}
			}
		}()
	}
	t.Logf("heads moved %d and %d times meanwhile", <-done, <-done)
	changes := collectChanges(t, handles[0], register.ChangeFilter{Register: "cz-games"})
	if len(changes) != 2*2*each {
		t.Fatalf("%d changes, want %d", len(changes), 2*2*each)
	}
	for i, c := range changes {
		if *c.Sequence != int64(i+1) || c.Cursor != int64(i+1) {
			t.Fatalf("change %d has sequence %d and cursor %d", i+1, *c.Sequence, c.Cursor)
		}
	}
	same(t, "what the other handle sees", collectChanges(t, handles[1], register.ChangeFilter{}), changes)
	if !slices.IsSortedFunc(changes, func(a, b register.Change) int { return int(a.Run - b.Run) }) {
		t.Error("changes are not in the order of their runs")
	}
	check(t, handles[1].Check(t.Context()))
}
