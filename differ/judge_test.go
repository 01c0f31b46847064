package differ_test

import (
	"testing"
	"time"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// watch plays fetches of one register through Diff and Judge, as the pipeline
// does, with a tick every hour.
type watch struct {
	head    []register.Entry
	memory  register.Memory
	seen    differ.Seen
	expect  register.Expect
	verdict differ.Verdict
}

func newWatch(head ...string) *watch {
	return &watch{
		head: snapshot(head...).Entries,
		seen: differ.Seen{Tick: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), Interval: time.Hour, Complete: true},
	}
}

func (w *watch) fetch(after time.Duration, rows ...string) differ.Verdict {
	w.seen.LastSeen = w.seen.At
	w.seen.Tick = w.seen.Tick.Add(after)
	w.seen.At = w.seen.Tick.Add(time.Minute)
	toHead := differ.Diff(register.Snapshot{Entries: w.head}, snapshot(rows...))
	w.verdict = differ.Judge(toHead, nil, w.seen, w.expect, w.memory)
	w.memory = w.verdict.Memory
	var believed differ.Differences
	for _, a := range w.verdict.Accepted {
		switch {
		case a.Before == nil:
			believed.Added = append(believed.Added, *a.After)
		case a.Kind == register.Removed:
			believed.Removed = append(believed.Removed, differ.Removal{Entry: *a.Before})
		default:
			believed.Changed = append(believed.Changed, differ.Pair{Before: *a.Before, After: *a.After})
		}
	}
	w.head = differ.Apply(w.head, believed)
	return w.verdict
}

// expectCounts fails unless the last verdict accepted exactly that and so many wait.
func (w *watch) expectCounts(t *testing.T, want register.Counts, waiting int) {
	t.Helper()
	if got := register.CountOf(w.verdict.Accepted); got != want || len(w.verdict.Memory.Missing) != waiting {
		t.Fatalf("accepted %+v, %d waiting; want %+v, %d waiting", got, len(w.verdict.Memory.Missing), want, waiting)
	}
}

func TestAdditionsAtOnceRemovalsAtTheSecondTick(t *testing.T) {
	w := newWatch("a|x", "b|y")
	w.fetch(time.Hour, "b|y", "c|z")
	w.expectCounts(t, register.Counts{Added: 1}, 1)
	first := w.seen.At
	w.fetch(time.Hour, "b|y", "c|z")
	w.expectCounts(t, register.Counts{Removed: 1}, 0)
	if got := w.verdict.Accepted[0].MissingSince; !got.Equal(first) {
		t.Errorf("missing since %v, want the first fetch without it, %v", got, first)
	}
}

func TestEntryThatReturnsBeforeConfirmationAnnouncesNothing(t *testing.T) {
	w := newWatch("a|x", "b|y")
	for range 3 {
		w.fetch(time.Hour, "b|y")
		w.expectCounts(t, register.Counts{}, 1)
		w.fetch(time.Hour, "a|x", "b|y")
		w.expectCounts(t, register.Counts{}, 0)
	}
}

func TestFetchesCloserThanHalfTheIntervalCountOnce(t *testing.T) {
	w := newWatch("a|x", "b|y")
	w.fetch(time.Hour, "b|y")
	w.fetch(29*time.Minute, "b|y")
	w.expectCounts(t, register.Counts{}, 1)
	w.fetch(time.Minute, "b|y")
	w.expectCounts(t, register.Counts{Removed: 1}, 0)
}

func TestSameTickCountsOnce(t *testing.T) {
	w := newWatch("a|x", "b|y")
	w.seen.Interval = 0 // as in an import
	w.fetch(time.Hour, "b|y")
	w.fetch(0, "b|y")
	w.expectCounts(t, register.Counts{}, 1)
	w.fetch(1, "b|y")
	w.expectCounts(t, register.Counts{Removed: 1}, 0)
}

// A clock that stood in the far future for one fetch does not put confirmations
// off until then.
func TestClockSetBackBeginsToCountAnew(t *testing.T) {
	w := newWatch("a|x", "b|y")
	w.fetch(10*365*24*time.Hour, "a|x")
	w.fetch(-10*365*24*time.Hour, "a|x")
	w.expectCounts(t, register.Counts{}, 1)
	w.fetch(time.Hour, "a|x")
	w.expectCounts(t, register.Counts{Removed: 1}, 0)
}

// Whoever follows the changes of one key ends with it listed.
func TestRemovalsComeBeforeAdditions(t *testing.T) {
	w := newWatch("a|x", "b|y")
	next := snapshot("a|x", "b|z")
	next.Delisted = snapshot("b|y").Entries
	v := differ.Judge(differ.Diff(register.Snapshot{Entries: w.head}, next), nil, w.seen, w.expect, w.memory)
	if len(v.Accepted) != 2 || v.Accepted[0].Kind != register.Removed || v.Accepted[1].Kind != register.Relisted {
		t.Errorf("%+v", v.Accepted)
	}
}

func TestConfirmationsCanBeSet(t *testing.T) {
	once, thrice := newWatch("a|x", "b|y"), newWatch("a|x", "b|y")
	once.expect.Confirm, thrice.expect.Confirm = 1, 3
	once.fetch(time.Hour, "b|y")
	once.expectCounts(t, register.Counts{Removed: 1}, 0)
	if since := once.verdict.Accepted[0].MissingSince; !since.Equal(once.seen.At) {
		t.Errorf("missing since %v, want %v", since, once.seen.At)
	}
	for range 2 {
		thrice.fetch(time.Hour, "b|y")
		thrice.expectCounts(t, register.Counts{}, 1)
	}
	thrice.fetch(time.Hour, "b|y")
	thrice.expectCounts(t, register.Counts{Removed: 1}, 0)
}

func TestPartialFetchShowsWhatIsThereNeverWhatIsGone(t *testing.T) {
	w := newWatch("a|x", "b|y", "c|z")
	w.fetch(time.Hour, "b|y", "c|z")
	w.seen.Complete = false
	w.fetch(time.Hour, "b|y", "d|new") // a and c absent, d new
	w.expectCounts(t, register.Counts{Added: 1}, 1)
	w.fetch(time.Hour, "b|other", "d|new", "c|z")
	w.expectCounts(t, register.Counts{}, 1)
	w.fetch(time.Hour, "a|x", "b|y")
	w.expectCounts(t, register.Counts{}, 0) // it shows a: the wait ends
	w.seen.Complete = true
	w.fetch(time.Hour, "b|y", "c|z", "d|new")
	w.expectCounts(t, register.Counts{}, 1) // so a waits anew
}

func TestPartialFetchOfSomethingElseAddsNothing(t *testing.T) {
	w := newWatch("a|x", "b|y")
	w.seen.Complete = false
	w.fetch(time.Hour, "a|x", "p|1", "q|2")
	w.expectCounts(t, register.Counts{}, 0)
}

func TestStatementNeedsNoConfirmation(t *testing.T) {
	toHead := differ.Diff(snapshot("a|x|r|2020"), register.Snapshot{Delisted: snapshot("a|x|r|2020|2021").Entries})
	v := differ.Judge(toHead, nil, differ.Seen{Complete: true}, register.Expect{}, register.Memory{})
	if got := register.CountOf(v.Accepted); got != (register.Counts{Removed: 1}) {
		t.Fatalf("accepted %+v, want one removal", got)
	}
	if a := v.Accepted[0]; !a.MissingSince.IsZero() || a.After.Fields.Get("delisted_on") != "2021" {
		t.Errorf("want the row that says so and no absence, have %+v", a)
	}
}

func TestRelistedWithItsEarlierPeriods(t *testing.T) {
	e := entry("a|x")
	period := register.Period{From: time.Unix(1, 0), To: time.Unix(2, 0)}
	seen := differ.Seen{Complete: true, Earlier: map[register.Key][]register.Period{e.Key: {period}}}
	v := differ.Judge(differ.Diff(snapshot("b|y"), snapshot("a|x", "b|y", "c|z")), nil, seen, register.Expect{}, register.Memory{})
	if got := register.CountOf(v.Accepted); got != (register.Counts{Relisted: 1, Added: 1}) {
		t.Fatalf("accepted %+v", got)
	}
	if got := v.Accepted[0].Earlier; len(got) != 1 || got[0] != period {
		t.Errorf("earlier periods %v", got)
	}
}
