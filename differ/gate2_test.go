package differ_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// The rows of gate 2, one test each. What is said there of partial fetches,
// confirmations and ticks is in judge_test.go too.

func TestGate2AdditionsAtOnceHoweverMany(t *testing.T) {
	newGate(t, list(0, 20)...).page(list(0, 500)...).wants("changed +480")
}

func TestGate2PartialFetchAddsWhereHalfIsKnown(t *testing.T) {
	for known, want := range map[int]string{5: "changed +5", 4: "unchanged"} {
		g := newGate(t, list(0, 5)...)
		g.partial = true
		g.page(append(list(0, known), list(100, 105)...)...).wants(want)
	}
}

func TestGate2ChangesAtOnce(t *testing.T) {
	newGate(t, list(0, 100)...).page(with(list(0, 100), 3, otherReason)...).wants("changed ~3")
}

func TestGate2ReusedKeyIsRemovedAndAddedAtOnce(t *testing.T) {
	another := func(cells []string) { cells[1], cells[2], cells[3] = "another", "other", "2024-05-05" }
	g := newGate(t, list(0, 20)...).page(with(list(0, 20), 1, another)...).wants("changed +1 -1")
	if first := g.verdict.Accepted[0]; first.Kind != register.Removed || !first.MissingSince.IsZero() {
		t.Errorf("first %+v, want the removal, with no absence", first)
	}
	g = newGate(t, list(0, 20)...)
	half := func(cells []string) { cells[1], cells[2] = "another", "other" }
	g.page(with(list(0, 20), 1, half)...).wants("changed ~1") // one of two other fields is not more than half
	g = newGate(t, list(0, 20)...)
	renamedNot := func(cells []string) { cells[2], cells[3] = "other", "2024-05-05" }
	g.page(with(list(0, 20), 1, renamedNot)...).wants("changed ~1") // the name is the same
}

func TestGate2RemovalsAtTheSecondTick(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(1, 20)...).wants("unchanged ?1")
	since := g.at
	g.page(list(1, 20)...).wants("changed -1")
	if got := g.verdict.Accepted[0].MissingSince; !got.Equal(since) {
		t.Errorf("missing since %v, want %v", got, since)
	}
}

func TestGate2HeldRunsNeitherCountNorBreakTheRow(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(1, 100)...).wants("unchanged ?1")
	g.page(list(50, 100)...).wants("held ?1")
	g.page(list(1, 100)...).wants("changed -1").ended("accident")
}

func TestGate2HeldPageThatShowsAnEntryEndsItsWait(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(1, 100)...).wants("unchanged ?1")
	g.page(list(0, 50)...).wants("held")
	g.page(list(1, 100)...).wants("unchanged ?1")
}

// An entry that a held page shows under another key goes on waiting: the other
// key is not believed.
func TestGate2HeldRekeyDoesNotEndAWait(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	g := newGate(t, list(0, 100)...).page(list(1, 100)...).wants("unchanged ?1")
	g.page(with(list(0, 100), 60, renumbered)...).wants("held ?1").alarmed(register.AlarmChanges)
	g.page(list(1, 100)...).wants("changed -1")
}

func TestGate2OlderFileConfirmsNoRemovalUntilItHasStood(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(0, 21)...).wants("changed +1")
	for range 12 { // up to 66 hours after its first
		g.page(list(0, 20)...).wants("unchanged ?1")
	}
	g.page(list(0, 20)...).wants("changed -1")
}

func TestGate2OlderFileIsNoDatedFileEither(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(0, 21)...)
	g.expect.Confirm = 1
	g.page(list(0, 20)...).wants("unchanged ?1")
}

// The ticks of an older file are none of those that a removal is confirmed by,
// but for the first.
func TestGate2OlderFileDoesNotCount(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(0, 21)...)
	g.expect.Confirm = 3
	for range 3 {
		g.page(list(0, 20)...).wants("unchanged ?1")
	}
	g.page(append(list(0, 20), list(30, 31)...)...).wants("changed +1 ?1")
	g.page(append(list(0, 20), list(30, 32)...)...).wants("changed +1 -1")
}

func TestGate2AnotherOlderFileStandsFromItsOwnBeginning(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(0, 21)...).page(list(0, 22)...)
	for range 8 {
		g.page(list(0, 21)...).wants("unchanged ?1")
	}
	for range 12 {
		g.page(list(0, 20)...).wants("unchanged ?2")
	}
	g.page(list(0, 20)...).wants("changed -2")
}

func TestGate2OlderFileThatGoesAgainRemovesNothing(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(0, 21)...)
	for range 5 {
		g.page(list(0, 20)...).wants("unchanged ?1")
	}
	g.page(list(0, 22)...).wants("changed +1")
}

// A key that was given to another entry hides a removal; an older file confirms
// none.
func TestGate2OlderFileConfirmsNoReusedKey(t *testing.T) {
	another := func(cells []string) { cells[1], cells[2], cells[3] = "another", "other", "2024-05-05" }
	g := newGate(t, list(0, 20)...).page(with(list(0, 20), 1, another)...).wants("changed +1 -1")
	g.page(list(0, 20)...).wants("changed +1 ?1")
	g.page(list(0, 20)...).wants("unchanged ?1")
}

func TestGate2FloodOfRemovalsAtItsEdges(t *testing.T) {
	for _, row := range []struct {
		n, vanish int
		flood     bool
	}{
		{100, 5, false}, {100, 6, true}, // five may vanish from any register
		{10_000, 200, false}, {10_000, 201, true}, // 2 %
		{60_000, 1000, false}, {60_000, 1001, true}, // but a thousand at most
		{8, 2, false}, {8, 3, true}, {4, 1, false}, {3, 1, false}, {4, 2, true}, {2, 1, false}, // a quarter of a small one, from two on
	} {
		g := newGate(t, list(0, row.n)...).page(list(row.vanish, row.n)...)
		if row.flood {
			g.wants("held").alarmed(register.AlarmRemovals)
			if g.memory.Held.Removed != row.vanish {
				t.Errorf("%d removals are held, want %d", g.memory.Held.Removed, row.vanish)
			}
		} else {
			g.wants(fmt.Sprintf("unchanged ?%d", row.vanish))
		}
	}
}

func TestGate2FloodCountsOnlyWhatVanishedNow(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(5, 100)...).wants("unchanged ?5")
	g.page(list(10, 100)...).wants("changed -5 ?5")
}

func TestGate2FloodOfRemovalsLetsTheRestGoOn(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	g.page(append(with(list(20, 100), 2, otherReason), list(200, 203)...)...).wants("held +3 ~2").alarmed(register.AlarmRemovals)
}

// The removal that a reused key hides is held with the others.
func TestGate2FloodOfRemovalsHoldsReusedKeys(t *testing.T) {
	another := func(cells []string) { cells[1], cells[2], cells[3] = "another", "other", "2024-05-05" }
	g := newGate(t, list(0, 100)...).page(with(list(20, 100), 1, another)...).wants("held +1").alarmed(register.AlarmRemovals)
	if g.memory.Held.Removed != 21 {
		t.Errorf("%d removals are held, want 21", g.memory.Held.Removed)
	}
}

func TestGate2FloodThresholdCanBeSet(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	g.expect.Thresholds.Removed = 0.5
	g.page(list(50, 100)...).wants("unchanged ?50")
	g = newGate(t, list(0, 100)...)
	g.expect.Thresholds.Removed = 0.5
	g.page(list(51, 100)...).wants("held")
	g = newGate(t, list(0, 100)...)
	g.expect.Thresholds.Changed = 0.6
	g.page(with(list(0, 100), 60, otherReason)...).wants("changed ~60")
	g = newGate(t, list(0, 100)...)
	g.expect.Thresholds.Changed = 0.6
	g.page(with(list(0, 100), 61, otherReason)...).wants("held")
}

func TestGate2SwapHoldsEverything(t *testing.T) {
	rows := func(added int) []string { return append(with(list(20, 100), 2, otherReason), list(200, 200+added)...) }
	newGate(t, list(0, 100)...).page(rows(9)...).wants("held +9 ~2").alarmed(register.AlarmRemovals)
	g := newGate(t, list(0, 100)...).page(rows(10)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	if h := g.memory.Held; h.Removed != 20 || h.Added != 10 || h.Changed != 2 {
		t.Errorf("held %+v", h)
	}
}

// A page most of which is unknown is another list, however few its rows are
// beside what vanished.
func TestGate2SwapByAShortListOfStrangers(t *testing.T) {
	strangers := func(n int) []string { return append(list(0, 10), list(500, 500+n)...) }
	newGate(t, list(0, 100)...).page(strangers(10)...).wants("held +10").alarmed(register.AlarmRemovals)
	newGate(t, list(0, 100)...).page(strangers(11)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
}

func TestGate2FloodOfChangesAtItsEdges(t *testing.T) {
	for _, row := range []struct {
		n, change int
		flood     bool
	}{
		{100, 25, false},
		{100, 26, true},
		{1000, 200, false},
		{1000, 201, true}, // 20 %
		{10, 5, false},
		{10, 6, true},
		{9, 5, true},
		{7, 4, false},
		{4, 4, false}, // half of a small one, from five on
	} {
		g := newGate(t, list(0, row.n)...).page(append(with(list(0, row.n), row.change, otherReason), "new|new|new")...)
		if row.flood {
			g.wants("held +1").alarmed(register.AlarmChanges) // additions go on
		} else {
			g.wants(fmt.Sprintf("changed +1 ~%d", row.change))
		}
	}
}

func TestGate2FloodOfReusedKeysIsAFloodOfChanges(t *testing.T) {
	another := func(cells []string) { cells[1], cells[2], cells[3] = "another "+cells[0], "other", "2024-05-05" }
	newGate(t, list(0, 100)...).page(with(list(0, 100), 25, another)...).wants("changed +25 -25")
	newGate(t, list(0, 100)...).page(with(list(0, 100), 26, another)...).wants("held").alarmed(register.AlarmChanges)
}

func TestGate2EmptiedFieldAtItsEdges(t *testing.T) {
	filled := func(n int) []string { return append(list(0, n), with(list(n, 100), 100-n, noReason)...) }
	for _, row := range []struct {
		filled, emptied int
		held            bool
	}{{5, 3, true}, {5, 2, false}, {4, 4, false}, {8, 4, false}, {8, 5, true}} {
		g := newGate(t, filled(row.filled)...).page(with(filled(row.filled), row.emptied, noReason)...)
		if row.held {
			g.wants("held").alarmed(register.AlarmEmptied)
		} else {
			g.wants(fmt.Sprintf("changed ~%d", row.emptied))
		}
	}
}

func TestGate2ValuesNotOfTheirType(t *testing.T) {
	serial := func(cells []string) { cells[3] = "45123" }
	for odd, held := range map[int]bool{5: false, 6: true} {
		g := newGate(t, list(0, 10)...)
		g.odd = map[string]int{"listed_on": odd}
		g.page(with(list(0, 10), 1, serial)...)
		if held {
			g.wants("held").alarmed(register.AlarmTypes)
		} else {
			g.wants("changed ~1")
		}
	}
	g := newGate(t, list(0, 10)...)
	g.odd = map[string]int{"listed_on": 6}
	g.memory.Health.Odd = g.odd // they never were of it
	g.page(with(list(0, 10), 1, serial)...).wants("changed ~1")
	g = newGate(t, list(0, 10)...)
	g.odd = map[string]int{"listed_on": 6}
	g.memory.Health = register.Health{} // nobody knows what they were
	g.page(with(list(0, 10), 1, serial)...).wants("changed ~1")
	g = newGate(t, list(0, 4)...) // too few to tell
	g.odd = map[string]int{"listed_on": 4}
	g.page(with(list(0, 4), 1, serial)...).wants("changed ~1")
}

func TestGate2HoldKeepsItsBeginning(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(50, 100)...).wants("held")
	since := g.at
	g.page(list(50, 100)...).wants("held")
	if !g.memory.Held.Since.Equal(since) {
		t.Errorf("held since %v, want %v", g.memory.Held.Since, since)
	}
}

func TestGate2HoldEndsByEvolution(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(50, 100)...).wants("held")
	since := g.at
	g.page(append(with(list(51, 100), 1, otherReason), "new|new|new")...).wants("changed +1 -50 ~1 ?1").ended("it is so")
	for _, a := range g.verdict.Accepted {
		if a.Kind == register.Removed && !a.MissingSince.Equal(since) {
			t.Fatalf("%s is missing since %v, want %v, when the hold began", a.Before.Key, a.MissingSince, since)
		}
	}
	g.page(append(with(list(51, 100), 1, otherReason), "new|new|new")...).wants("changed -1")
}

// An entry that got another key since is on the held page, and so it begins to
// wait only now.
func TestGate2HoldThatEvolvesKnowsRekeyedEntries(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	g := newGate(t, list(0, 100)...).page(append(list(50, 100), list(200, 210)...)...).wants("held +10")
	// 50 and 51 get other numbers: a pair of pairs beside what is held.
	g.page(append(with(list(50, 100), 2, renumbered), list(200, 210)...)...).wants("changed -50 =2")
	// Of a swap the new entries are not in the head: there one pair is no re-key.
	swapped := append(list(49, 100), list(200, 250)...)
	g = newGate(t, list(0, 100)...).page(swapped...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	swapped = with(swapped, 1, renumbered)
	slices.Reverse(swapped)
	g.page(with(swapped, 1, renumbered)...).wants("changed +51 -49 ?1")
}

// A wrong file that goes on living is no register that evolved: of a swap, half
// of the head must be known still.
func TestGate2SwapEvolvesOnlyWhereHalfOfTheHeadIsKnown(t *testing.T) {
	for _, row := range []struct {
		known   int
		evolves bool
	}{{50, true}, {49, false}, {0, false}} {
		swapped := func(more int) []string { return append(list(0, row.known), list(200, 300+more)...) }
		g := newGate(t, list(0, 100)...).page(swapped(0)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
		for day := range 20 {
			g.page(swapped(day + 1)...)
			if row.evolves {
				g.wants(fmt.Sprintf("changed +101 -%d", 100-row.known)).ended("it is so")
				break
			}
			g.wants("held")
		}
	}
}

// What is known is told by key, by content under another key, and not by a key
// that was given to another entry.
func TestGate2SwapKnowsAmendedAndRekeyedEntries(t *testing.T) {
	another := func(cells []string) { cells[1], cells[2], cells[3] = "another "+cells[0], "other", "2024-05-05" }
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	for name, row := range map[string]struct {
		change func([]string)
		want   string
	}{
		"amended":  {otherReason, "changed +61 -45 ~10"},
		"rekeyed":  {renumbered, "changed +61 -45 =10"},
		"reused":   {another, "held"},
		"the same": {func([]string) {}, "changed +61 -45"},
	} {
		t.Run(name, func(t *testing.T) {
			page := with(append(list(0, 55), list(200, 260)...), 10, row.change)
			g := newGate(t, list(0, 100)...).page(page...).wants("held")
			if !g.memory.Held.Swap() {
				t.Fatalf("held %+v, want a swap", g.memory.Held)
			}
			g.page(append(page, "new|new|new")...).wants(row.want)
		})
	}
}

// What was held as a flood may become a swap: then too.
func TestGate2FloodThatBecomesASwapIsNoEvolution(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(60, 100)...).wants("held").alarmed(register.AlarmRemovals)
	g.page(append(list(60, 100), list(200, 260)...)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	g.page(list(0, 100)...).wants("unchanged").ended("accident")
}

// Where what is held is no swap, the page may know as little as it likes: it
// shows no strangers.
func TestGate2FloodEvolvesHoweverMuchIsGone(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(80, 100)...).wants("held").alarmed(register.AlarmRemovals)
	g.page(append(list(80, 100), "new|new|new")...).wants("changed +1 -80").ended("it is so")
}

func TestGate2OtherBytesAloneAreNoEvolution(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(50, 100)...).wants("held")
	shuffled := list(50, 100)
	slices.Reverse(shuffled)
	g.page(shuffled...).wants("held")
}

func TestGate2AnotherFloodIsNoEvolution(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(40, 100)...).wants("held")
	g.page(list(70, 100)...).wants("held")
	if g.memory.Held.Removed != 70 {
		t.Errorf("held %+v", g.memory.Held)
	}
}

func TestGate2HoldEndsAsAnAccident(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(50, 100)...).wants("held")
	g.page(list(0, 101)...).wants("changed +1").ended("accident")
}

func TestGate2HoldEndsWhenItHasStood(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	for range 12 { // up to 66 hours
		g.page(list(50, 100)...).wants("held")
	}
	g.page(list(50, 100)...).wants("changed -50").ended("72h")
}

func TestGate2HoldForCanBeSet(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	g.expect.ReleaseAfter = between
	g.page(list(50, 100)...).wants("held")
	g.page(list(50, 100)...).wants("changed -50")
}

func TestGate2AgreementIsCountedFromTheLastOtherPage(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	for range 12 {
		g.page(list(50, 100)...).wants("held")
	}
	for range 12 {
		g.page(list(80, 100)...).wants("held")
	}
	g.page(list(80, 100)...).wants("changed -80")
}

func TestGate2SwapNeverEndsByTime(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	for range 100 {
		g.page(list(200, 300)...).wants("held")
	}
}

func TestGate2ReleaseAfterNever(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	g.expect.NeverRelease = true
	for range 100 {
		g.page(list(50, 100)...).wants("held")
	}
}

func TestGate2ApprovedIsBelievedWhole(t *testing.T) {
	swapped := append(with(list(50, 100), 2, otherReason), list(200, 250)...)
	g := newGate(t, list(0, 100)...).page(swapped...).wants("held")
	since := g.at
	g.at = g.at.Add(time.Hour)
	g.approve(swapped...).wants("changed +50 -50 ~2").ended("person")
	if got := g.verdict.Accepted[0].MissingSince; !got.Equal(since) {
		t.Errorf("missing since %v, want %v, when the hold began", got, since)
	}
	g.page(swapped...).wants("unchanged")
}

func TestGate2RejectedIsNotRaisedAgain(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(1, 100)...).wants("unchanged ?1")
	g.page(list(50, 100)...).wants("held ?1")
	g.memory.Rejected, g.memory.Held = []register.Hash{g.memory.Held.Digest}, nil
	g.page(list(50, 100)...).wants("unchanged ?1") // neither counts nor breaks the row
	if g.memory.Held != nil {
		t.Error("it is held again")
	}
	g.page(list(51, 100)...).wants("held ?1") // other content is
	g.page(list(1, 100)...).wants("changed -1")
}

// Of one page that says of an entry that it was taken off, and lists it again,
// the second is no addition; a key that was given to another entry is one.
func TestGate2DelistedAndListedAgainIsRelisted(t *testing.T) {
	next := snapshot("a|x|r|2021", "b|y", "c|z")
	next.Delisted = snapshot("a|x|r|2020|2021", "b|old|r|2019|2020").Entries
	earlier := []register.Period{{From: time.Unix(1, 0), To: time.Unix(2, 0)}}
	for _, seen := range []differ.Seen{
		{Complete: true},
		{Complete: true, Approved: true},
		{Complete: true, Earlier: map[register.Key][]register.Period{register.NewKey("a"): earlier}},
	} {
		v := differ.Judge(differ.Diff(snapshot("a|x|r|2020", "b|y"), next), nil, seen, register.Expect{}, register.Memory{})
		var kinds []string
		for _, a := range v.Accepted {
			kinds = append(kinds, string(a.Kind)+" "+a.Key().Display())
		}
		if diff := cmp.Diff([]string{"removed a", "relisted a", "added c"}, kinds); diff != "" {
			t.Fatal(diff)
		}
		if got := v.Accepted[1].Earlier; len(got) != len(seen.Earlier["[\"a\"]"]) {
			t.Errorf("earlier %v", got)
		}
	}
}

// Too many are delisted at once, and one of them is listed again: its new listing
// waits with the end of the old one, and is announced after it.
func TestGate2DelistedAndListedAgainWaitsWithItsHold(t *testing.T) {
	stated := list(0, 60) // each says the same as before; on the page they are no longer listed
	again := "0|name 0|reason 0|2026-01-01"
	held := append(list(60, 100), again, "new|name|reason|2026-01-01")
	relisted := func(g *gate, want string) {
		t.Helper()
		g.wants(want)
		var of []register.Kind
		for _, a := range g.verdict.Accepted {
			if a.Key() == register.NewKey("0") {
				of = append(of, a.Kind)
			}
		}
		if diff := cmp.Diff([]register.Kind{register.Removed, register.Relisted}, of); diff != "" {
			t.Fatal(diff)
		}
	}
	g := newGate(t, list(0, 100)...)
	for range 12 {
		g.pageWith(stated, held...).alarmed(register.AlarmRemovals)
	}
	relisted(g.pageWith(stated, held...), "changed +1 -60") // it has stood

	g = newGate(t, list(0, 100)...).pageWith(stated, held...).wants("held +1")
	relisted(g.pageWith(stated, append(held, "newer|name|reason|2026-01-01")...), "changed +2 -60") // it is so

	g = newGate(t, list(0, 100)...).pageWith(stated, held...).wants("held +1")
	g.page(append(list(0, 100), "new|name|reason|2026-01-01")...).wants("unchanged").ended("accident")
}

// A page that is not whole ends no listing, so that it begins no other of its key.
func TestGate2PartialPageRelistsNothing(t *testing.T) {
	again := append(list(1, 20), "0|name 0|reason 0|2026-01-01")
	g := newGate(t, list(0, 20)...)
	g.partial = true
	g.pageWith(list(0, 1), again...).wants("unchanged")
	g.partial = false
	if g.pageWith(list(0, 1), again...).wants("changed +1 -1"); g.verdict.Accepted[1].Kind != register.Relisted {
		t.Errorf("%+v", g.verdict.Accepted[1])
	}
}

// The operator hears of every end of a hold.
func TestGate2RejectedPageEndsTheHoldOfAnother(t *testing.T) {
	g := newGate(t, list(0, 100)...).page(list(50, 100)...).wants("held")
	g.memory.Rejected, g.memory.Held = []register.Hash{g.memory.Held.Digest}, nil
	g.page(list(80, 100)...).wants("held")
	g.page(list(50, 100)...).wants("unchanged").ended("rejected")
}

// A twelfth is swapped and held; a part of that page announces no stranger of it,
// but what is new beside them.
func TestGate2PartOfAHeldSwapAddsNothingOfIt(t *testing.T) {
	swapped := append(list(50, 600), list(1000, 1050)...)
	g := newGate(t, list(0, 600)...).page(swapped...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	g.partial = true
	g.page(append(swapped[200:], list(2000, 2001)...)...).wants("changed +1")
	g.partial = false
	g.page(append(list(0, 600), list(2000, 2001)...)...).wants("unchanged").ended("accident")
}

func TestGate2Rekey(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	newGate(t, list(0, 20)...).page(with(list(0, 20), 2, renumbered)...).wants("changed =2")
	newGate(t, list(0, 20)...).page(with(list(0, 20), 1, renumbered)...).wants("changed +1 ?1") // one may be chance
}

func TestGate2RekeyByDatesAloneIsNone(t *testing.T) {
	dates := register.Definition{Key: []string{"id"}, Fields: []register.Field{
		{Name: "id"}, {Name: "listed_on", Type: register.TypeDate}, {Name: "delisted_on", Type: register.TypeDate},
	}}
	prev, next := snapshot("1|||2020-01-01|2030-01-01", "2|||2020-01-02|2030-01-01"), snapshot("3|||2020-01-01|2030-01-01", "4|||2020-01-02|2030-01-01")
	if d := differ.Relate(differ.Diff(prev, next), dates); len(d.Rekeyed) > 0 {
		t.Errorf("%v", told(d))
	}
}

func TestGate2RekeyIsHeldWithASwap(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	rows := append(with(list(20, 100), 5, renumbered), list(200, 220)...)
	newGate(t, list(0, 100)...).page(rows...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
}

// Other keys for most entries at once are a column that moved as well as a
// renumbering: they are held like changes.
func TestGate2FloodOfRekeys(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	newGate(t, list(0, 100)...).page(with(list(0, 100), 25, renumbered)...).wants("changed =25")
	g := newGate(t, list(0, 100)...).page(with(list(0, 100), 26, renumbered)...).wants("held").alarmed(register.AlarmChanges)
	g.page(append(with(list(0, 100), 26, renumbered), "new|new|new")...).wants("changed +1 =26").ended("it is so")
}

func TestGate2FlapAnnouncesNothing(t *testing.T) {
	g := newGate(t, list(0, 20)...)
	for range 3 {
		g.page(list(1, 20)...).wants("unchanged ?1")
		g.page(list(0, 20)...).wants("unchanged")
	}
}

func TestGate2RelistedWithEarlierPeriods(t *testing.T) {
	g := newGate(t, list(1, 20)...)
	key, period := register.NewKey("0"), register.Period{From: time.Unix(1, 0), To: time.Unix(2, 0)}
	g.earlier = map[register.Key][]register.Period{key: {period}}
	g.page(list(0, 20)...).wants("changed +1")
	if a := g.verdict.Accepted[0]; a.Kind != register.Relisted || len(a.Earlier) != 1 {
		t.Errorf("%+v", a)
	}
}

// Every threshold can be set: what the built-in one holds, or believes, another
// one does not.
func TestGate2EveryThresholdCanBeSet(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "n" + cells[0] }
	another := func(cells []string) { cells[1], cells[2] = "another", "other" }
	mistyped := func(g *gate) { g.odd = map[string]int{"listed_on": 40} }
	swapped := append(list(20, 100), list(200, 210)...)
	for name, row := range map[string]struct {
		n             int
		prepare       func(*gate)
		page          []string
		builtIn, then string
		set           register.Thresholds
	}{
		"removed":       {n: 100, page: list(6, 100), builtIn: "held", then: "unchanged ?6", set: register.Thresholds{Removed: 0.06}},
		"few removed":   {n: 100, page: list(6, 100), builtIn: "held", then: "unchanged ?6", set: register.Thresholds{FewRemoved: 6}},
		"many removed":  {n: 1000, page: list(20, 1000), builtIn: "unchanged ?20", then: "held", set: register.Thresholds{ManyRemoved: 19}},
		"small removed": {n: 8, page: list(3, 8), builtIn: "held", then: "unchanged ?3", set: register.Thresholds{SmallRemoved: 0.4}},
		"least removed": {n: 4, page: list(2, 4), builtIn: "held", then: "unchanged ?2", set: register.Thresholds{LeastRemoved: 3}},
		"changed":       {n: 100, page: with(list(0, 100), 30, otherReason), builtIn: "held", then: "changed ~30", set: register.Thresholds{Changed: 0.3}},
		"few changed":   {n: 100, page: with(list(0, 100), 30, otherReason), builtIn: "held", then: "changed ~30", set: register.Thresholds{FewChanged: 30}},
		"small changed": {n: 10, page: with(list(0, 10), 6, otherReason), builtIn: "held", then: "changed ~6", set: register.Thresholds{SmallChanged: 0.6}},
		"least changed": {n: 10, page: with(list(0, 10), 6, otherReason), builtIn: "held", then: "changed ~6", set: register.Thresholds{LeastChanged: 7}},
		"swap":          {n: 100, page: swapped, builtIn: "held", then: "held +10", set: register.Thresholds{Swap: 0.6}},
		"known":         {n: 5, prepare: func(g *gate) { g.partial = true }, page: append(list(0, 4), list(100, 105)...), builtIn: "unchanged", then: "changed +5", set: register.Thresholds{Known: 0.4}},
		"emptied":       {n: 20, page: with(list(0, 20), 11, noReason), builtIn: "held", then: "changed ~11", set: register.Thresholds{Emptied: 0.6, SmallChanged: 1}},
		"mistyped":      {n: 50, prepare: mistyped, page: list(0, 50), builtIn: "held", then: "unchanged", set: register.Thresholds{Mistyped: 0.8}},
		"filled":        {n: 50, prepare: mistyped, page: list(0, 50), builtIn: "held", then: "unchanged", set: register.Thresholds{Filled: 51}},
		"rekey pairs":   {n: 20, page: with(list(0, 20), 2, renumbered), builtIn: "changed =2", then: "changed +2 ?2", set: register.Thresholds{RekeyPairs: 3}},
		"rekey fields":  {n: 20, page: with(list(0, 20), 2, renumbered), builtIn: "changed =2", then: "changed +2 ?2", set: register.Thresholds{RekeyFields: 4}},
		"reused":        {n: 20, page: with(list(0, 20), 1, another), builtIn: "changed ~1", then: "changed +1 -1", set: register.Thresholds{Reused: 0.4}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, set := range []bool{false, true} {
				g, want := newGate(t, list(0, row.n)...), row.builtIn
				if set {
					g.expect.Thresholds, want = row.set, row.then
				}
				if row.prepare != nil {
					row.prepare(g)
				}
				g.page(row.page...).wants(want)
			}
		})
	}
}
