package pipeline_test

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
)

// The rows of gate 2 that need more than a difference: runs that fail, what the
// operator is told, and what becomes the base of the next comparison.

func TestGate2FailedRunsNeitherCountNorBreakTheRow(t *testing.T) {
	b := listed(t)
	b.publish(list(2, 10, "firm")...)
	if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.Waiting != 1 {
		t.Fatalf("%d wait", run.Waiting)
	}
	b.site.Publish("/list.csv", csvPage(""))
	for range 3 {
		if run := b.expect(register.OutcomeFailed, register.Counts{}); run.Waiting != 1 || run.Entries != 9 {
			t.Fatalf("%d wait, %d entries", run.Waiting, run.Entries)
		}
	}
	b.publish(list(2, 10, "firm")...)
	b.expect(register.OutcomeChanged, register.Counts{Removed: 1})
}

func TestGate2TheSameBytesAtTheNextTickConfirm(t *testing.T) {
	b := listed(t)
	b.publish(list(2, 10, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	if run := b.expect(register.OutcomeChanged, register.Counts{Removed: 1}); !run.NotModified {
		t.Error("the page was read anew")
	}
}

func TestGate2AdditionsOfAPartialFetchAreMarkedSo(t *testing.T) {
	b := listed(t)
	whole := wholeList() + "10,firm 10\n11,fir"
	b.site.Publish("/list.csv", csvPage(whole))
	run, changes := b.run()
	if run.Outcome != register.OutcomeChanged || !run.Partial || len(changes) != 1 || !changes[0].Partial || changes[0].Evidence.Complete {
		t.Errorf("%s, partial %v: %+v", run.Outcome, run.Partial, changes)
	}
}

// The operator hears of a hold once, with counts and a sample, the bodies before
// and after are in the archive, and nobody else hears anything.
func TestGate2HeldIsToldToTheOperatorAlone(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(100, 130, "other")...)
	held, changes := b.run()
	again, more := b.run()
	if len(changes)+len(more) > 0 {
		t.Errorf("announced: %+v %+v", changes, more)
	}
	signals := b.signals()
	if len(signals) != 1 || signals[0].State != register.StateHeld || len(signals[0].Sample) == 0 || signals[0].Next == "" || signals[0].Run != held.ID {
		t.Fatalf("signals %+v", signals)
	}
	if diff := cmp.Diff(map[string]int{"removed": 40, "added": 30, "changed": 0}, signals[0].Counts); diff != "" {
		t.Error(diff)
	}
	for id, says := range map[register.RunID]string{held.ID - 1: "firm 39", held.ID: "other 129", again.ID: "other 129"} {
		run, err := b.store.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		body, err := b.Open(run.Pages[0].SHA256)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil || !strings.Contains(string(text), says) {
			t.Errorf("the body of run %s: %v, %.80q", id, err, text)
		}
		body.Close()
	}
}

// Neither what is held nor what failed is what the next page is compared with.
func TestGate2HeldAndFailedRunsNeverBecomeTheBase(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(100, 130, "other")...)
	b.expect(register.OutcomeHeld, register.Counts{})
	b.site.Publish("/list.csv", csvPage(""))
	b.expect(register.OutcomeFailed, register.Counts{})
	b.publish(list(0, 41, "firm")...)
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
}

func TestGate2BaselineNeedsACompleteFetch(t *testing.T) {
	b := newBench(t)
	whole := wholeList()
	b.site.Publish("/list.csv", csvPage(whole[:len(whole)-8])) // it ends inside its last row
	if run := b.expect(register.OutcomeFailed, register.Counts{}); run.Class != register.ClassCut || run.Entries != 0 {
		t.Errorf("%s with %d entries: %s", run.Class, run.Entries, run.Reason)
	}
	b.site.Publish("/list.csv", csvPage(whole))
	if run := b.expect(register.OutcomeBaseline, register.Counts{}); run.Entries != 9 {
		t.Errorf("%d entries", run.Entries)
	}
}

// A story of failures is told when it begins, when its kind changes and when it
// ends, however long it is.
func TestSilenceFailuresAreToldAgainWhenTheirKindChanges(t *testing.T) {
	b := listed(t)
	for _, body := range []string{"", "<html><title>Just a moment...</title></html>", ""} {
		b.site.Publish("/list.csv", csvPage(body))
		for range 3 {
			b.expect(register.OutcomeFailed, register.Counts{})
		}
	}
	b.publish(list(1, 10, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates(register.StateFailed, register.StateStale, register.StateFailed, register.StateFailed, register.StateRecovered)
}

func TestGate2PartOfAHeldSwapAddsNothingOfIt(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 120, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	swapped := append(list(300, 310, "other"), list(10, 120, "firm")...)
	b.publish(swapped...)
	b.expect(register.OutcomeHeld, register.Counts{})
	b.site.Publish("/list.csv", csvPage("id,name\n"+strings.Join(swapped[:100], "\n")+"\n200,new\n9"))
	if _, changes := b.run(); len(changes) != 1 || changes[0].After.Get("name") != "new" {
		t.Errorf("%+v", changes)
	}
}
