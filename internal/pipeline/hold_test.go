package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/register"
)

// list gives rows "from,name" … so that a register has many of a kind.
func list(from, to int, name string) []string {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf("%d,%s %d", i, name, i))
	}
	return rows
}

func (b *bench) states() []register.State {
	b.Helper()
	var states []register.State
	for _, s := range b.signals() {
		states = append(states, s.State)
	}
	return states
}

func (b *bench) expectStates(want ...register.State) {
	b.Helper()
	if diff := cmp.Diff(want, b.states()); diff != "" {
		b.Fatalf("signals: %s", diff)
	}
}

func TestSwapForOneFetchIsAnAccident(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(1000, 1060, "other")...)
	if run := b.expect(register.OutcomeHeld, register.Counts{}); len(run.Sample) == 0 || run.Entries != 100 {
		t.Errorf("sample %v, %d entries", run.Sample, run.Entries)
	}
	b.expect(register.OutcomeHeld, register.Counts{}) // told once
	b.publish(list(0, 101, "firm")...)
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	b.expectStates(register.StateHeld, register.StateReleased)
}

func TestTrueMassRemovalIsBelievedWhenThePageLivesOn(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(append(list(30, 100, "firm"), "200,new")...)
	held := b.expect(register.OutcomeHeld, register.Counts{Added: 1}) // additions go on
	b.publish(append(list(31, 100, "firm"), "200,new", "201,newer")...)
	run, changes := b.run()
	if run.Counts != (register.Counts{Added: 1, Removed: 30}) || run.Waiting != 1 {
		t.Fatalf("accepted %+v, %d waiting", run.Counts, run.Waiting)
	}
	for _, c := range changes {
		if c.Kind == register.Removed && !c.MissingSince.Equal(held.ObservedAt) {
			t.Fatalf("missing since %v, want the first fetch without it, %v", c.MissingSince, held.ObservedAt)
		}
	}
	b.expectStates(register.StateHeld, register.StateReleased)
}

func TestHoldEndsWhenItHasStood(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	b.Now = func() time.Time { return now }
	b.def.Expect.ReleaseAfter = time.Nanosecond
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(30, 100, "firm")...)
	b.expect(register.OutcomeHeld, register.Counts{})
	b.expect(register.OutcomeChanged, register.Counts{Removed: 30})
	b.expectStates(register.StateHeld, register.StateReleased)
}

func TestApproveBelievesTheLatestHeldRunOnly(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(1000, 1090, "other")...)
	first := b.expect(register.OutcomeHeld, register.Counts{})
	latest := b.expect(register.OutcomeHeld, register.Counts{})
	if _, _, err := b.Approve(t.Context(), b.def, first.ID); !errors.Is(err, pipeline.ErrNotHeld) {
		t.Fatalf("an earlier held run: %v", err)
	}
	run, changes, err := b.Approve(t.Context(), b.def, latest.ID)
	if err != nil || run.Counts != (register.Counts{Added: 90, Removed: 100}) || len(changes) != 190 {
		t.Fatalf("approved: %+v, %v", run.Counts, err)
	}
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates(register.StateHeld, register.StateReleased)
}

// What a cut page showed after the page that is approved was not gone on it.
func TestApproveRemovesNothingThatCameSince(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(30, 100, "firm")...)
	held := b.expect(register.OutcomeHeld, register.Counts{})
	b.site.Publish("/list.csv", csvPage("id,name\n200,new\n29,firm 29\n50,firm 50\n9,"))
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	run, _, err := b.Approve(t.Context(), b.def, held.ID)
	if err != nil || run.Counts != (register.Counts{Removed: 29}) || run.Entries != 72 {
		t.Fatalf("approved: %+v, %d entries, %v", run.Counts, run.Entries, err)
	}
	b.byName() // and it is read anew from where it is
	b.publish(append(list(29, 100, "firm"), "200,new")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
}

func TestRejectedContentIsNotRaisedAgain(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(1000, 1090, "other")...)
	held := b.expect(register.OutcomeHeld, register.Counts{})
	if _, _, err := b.Reject(t.Context(), b.def, held.ID); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.Entries != 100 || run.Waiting != 0 {
			t.Fatalf("%d entries, %d waiting", run.Entries, run.Waiting)
		}
	}
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates(register.StateHeld, register.StateReleased)
}

func TestOlderFileConfirmsNoRemoval(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 100, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(0, 103, "firm")...)
	b.expect(register.OutcomeChanged, register.Counts{Added: 3})
	b.publish(list(0, 100, "firm")...) // an old file is served again
	for range 4 {
		if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.Waiting != 3 {
			t.Fatalf("%d waiting", run.Waiting)
		}
	}
	b.publish(list(0, 104, "firm")...)
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	b.expectStates()
}

func TestStaleOnceAndRecoveredOnce(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish()
	for range 4 {
		b.expect(register.OutcomeFailed, register.Counts{})
	}
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates(register.StateFailed, register.StateStale, register.StateRecovered)
}

// tellStale tells of the silence since the last attempt, as the lookout does.
func (b *bench) tellStale() bool {
	b.Helper()
	attempt, err := b.store.LastAttempt(b.Context(), b.def.ID)
	if err != nil {
		b.Fatal(err)
	}
	told, err := b.TellStale(b.Context(), b.def, attempt)
	if err != nil {
		b.Fatal(err)
	}
	return told
}

func TestStaleWithoutARunIsToldOnceAndRecoveredOnce(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	for i := range 3 {
		if told := b.tellStale(); told != (i == 0) {
			t.Errorf("told %v the %d. time", told, i+1)
		}
	}
	b.publish("1,a", "2,b", "3,c")
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates(register.StateStale, register.StateRecovered)
	if !b.tellStale() { // the next silence is told again
		t.Error("the second silence was not told")
	}
}

// A silence that runs tell and one that nobody's runs tell are one story, in
// either order.
func TestStaleIsToldOnceByRunsOrWithoutThem(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish()
	for range 3 {
		b.expect(register.OutcomeFailed, register.Counts{})
	}
	if b.tellStale() {
		t.Error("told once more")
	}
	b.expectStates(register.StateFailed, register.StateStale)

	b = newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.tellStale()
	b.publish()
	for range 3 {
		b.expect(register.OutcomeFailed, register.Counts{})
	}
	b.expectStates(register.StateStale, register.StateFailed)
}

func TestStaleIsNotToldOfAnAttemptThatWasNotTheLast(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	first, err := b.store.LastAttempt(t.Context(), b.def.ID)
	if err != nil {
		t.Fatal(err)
	}
	b.expect(register.OutcomeUnchanged, register.Counts{})
	if told, err := b.TellStale(t.Context(), b.def, first); err != nil || told {
		t.Errorf("told %v, %v, although a run was made since", told, err)
	}
	b.expectStates()
}

func TestFrozenOnceAndRecoveredOnce(t *testing.T) {
	b := newBench(t)
	b.def.Expect.FreshWithin = time.Nanosecond
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	for range 3 {
		b.expect(register.OutcomeUnchanged, register.Counts{})
	}
	b.publish("1,a", "2,b", "3,c")
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	b.expectStates(register.StateFrozen, register.StateRecovered)
}

// A register that has grown to very many entries of one key may be held, and then
// nothing tells whether the page has evolved: the hold goes on, and a person can end it.
func TestHoldOfAPageThatCouldBeNoFirstOne(t *testing.T) {
	b := newIndexBench(t)
	rows := make([]string, 14_000)
	for i := range rows {
		rows[i] = fmt.Sprintf("1,firm %d", i)
	}
	b.publish(rows[:9_000]...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(rows...)
	b.expect(register.OutcomeChanged, register.Counts{Added: 5_000})
	b.publish(rows[3_000:]...)
	b.expect(register.OutcomeHeld, register.Counts{})
	b.publish(rows[2_999:]...)
	held := b.expect(register.OutcomeHeld, register.Counts{})
	run, _, err := b.Approve(t.Context(), b.def, held.ID)
	if err != nil || run.Counts != (register.Counts{Removed: 2_999}) {
		t.Fatalf("approved: %+v, %v", run.Counts, err)
	}
}
