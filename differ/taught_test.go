package differ_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

// What outside failures taught, as far as gate 2 stands against it: one test
// each. What gate 1 stops is tested where it is.

func TestTaughtHardCapAtARoundNumber(t *testing.T) {
	newGate(t, list(0, 52_000)...).page(list(0, 50_000)...).wants("held").alarmed(register.AlarmRemovals)
}

func TestTaughtAllDatesBecomeSerialNumbers(t *testing.T) {
	serial := func(cells []string) { cells[3] = "43831" }
	g := newGate(t, list(0, 100)...)
	g.odd = map[string]int{"listed_on": 100}
	g.page(with(list(0, 100), 100, serial)...).wants("held").alarmed(register.AlarmChanges, register.AlarmTypes)
	g.odd = nil
	g.page(list(0, 101)...).wants("changed +1").ended("accident")
}

func TestTaughtOlderFileForAWeekAndBack(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(0, 22)...).wants("changed +2")
	g.expect.ReleaseAfter = 8 * 24 * time.Hour
	for range 7 * 4 {
		g.page(list(0, 20)...).wants("unchanged ?2")
	}
	g.page(list(0, 23)...).wants("changed +1")
}

func TestTaughtIDReusedForAnotherName(t *testing.T) {
	another := func(cells []string) { cells[1], cells[2], cells[3] = "another", "other", "2024-05-05" }
	g := newGate(t, list(0, 20)...).page(with(list(0, 20), 1, another)...).wants("changed +1 -1")
	if a := g.verdict.Accepted; a[0].Before.Fields.Get("name") != "name 0" || a[1].After.Fields.Get("name") != "another" {
		t.Errorf("%+v", a)
	}
}

func TestTaughtIDsRenumberedWithTheSameContent(t *testing.T) {
	renumbered := func(cells []string) { cells[0] = "2026-" + cells[0] }
	newGate(t, list(0, 100)...).page(with(list(0, 100), 20, renumbered)...).wants("changed =20")
	g := newGate(t, list(0, 100)...) // all of them: a person is asked, and nobody is told of removals
	for range 12 {
		g.page(with(list(0, 100), 100, renumbered)...).wants("held").alarmed(register.AlarmChanges)
	}
	g.page(with(list(0, 100), 100, renumbered)...).wants("changed =100")
}

func TestTaughtRowsShuffled(t *testing.T) {
	rows := list(0, 100)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	newGate(t, list(0, 100)...).page(rows...).wants("unchanged")
}

func TestTaughtOutForOneFetchAndBack(t *testing.T) {
	newGate(t, list(0, 20)...).page(list(2, 20)...).wants("unchanged ?2").page(list(0, 20)...).wants("unchanged")
}

func TestTaughtOutForAYearAndBack(t *testing.T) {
	g := newGate(t, list(0, 20)...).page(list(1, 20)...).page(list(1, 20)...).wants("changed -1")
	g.at = g.at.Add(365 * 24 * time.Hour)
	key := register.NewKey("0")
	g.earlier = map[register.Key][]register.Period{key: {{From: time.Unix(1, 0), To: time.Unix(2, 0)}}}
	if g.page(list(0, 20)...).wants("changed +1"); g.verdict.Accepted[0].Kind != register.Relisted {
		t.Errorf("%+v", g.verdict.Accepted[0])
	}
}

// Estonia, 2023-11-30: the name is all that an entry has.
func TestTaughtListNumbersInEveryName(t *testing.T) {
	var names, numbered []string
	for i, row := range list(0, 300) {
		name := strings.ReplaceAll(row, "|", " ")
		names, numbered = append(names, name), append(numbered, string(rune('1'+i%9))+". "+name)
	}
	g := newGate(t, names...).page(numbered...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	g.page(append(names, "one more")...).wants("changed +1").ended("accident")
}

// Estonia, 2024-11-05.
func TestTaughtATwelfthSwappedAndBack(t *testing.T) {
	g := newGate(t, list(0, 1200)...).page(append(list(100, 1200), list(5000, 5100)...)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	g.page(list(0, 1200)...).wants("unchanged").ended("accident")
}

// Roskomnadzor, 2014-12-31: it was so, and the page of the next day said the same
// with other entries beside it.
func TestTaughtATrueMassRemoval(t *testing.T) {
	g := newGate(t, list(0, 7208)...).page(append(list(618, 7208), list(8000, 8020)...)...).wants("held +20").alarmed(register.AlarmRemovals)
	g.page(append(list(620, 7208), list(8000, 8030)...)...).wants("changed +10 -618 ?2").ended("it is so")
}

func TestTaughtTwelveThatLoseFiveRowsForTwoFetches(t *testing.T) {
	g := newGate(t, list(0, 12)...).page(list(5, 12)...).wants("held").page(list(5, 12)...).wants("held")
	g.page(list(0, 12)...).wants("unchanged").ended("accident")
}

func TestTaughtFiveThatServeAnothersFortyRowsOnce(t *testing.T) {
	g := newGate(t, list(0, 5)...).page(list(100, 140)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	g.page(list(0, 5)...).wants("unchanged").ended("accident")
}

// And five hundred that do: there the forty are few beside what vanished.
func TestTaughtManyThatServeAnothersFortyRowsOnce(t *testing.T) {
	g := newGate(t, list(0, 500)...).page(list(1000, 1040)...).wants("held").alarmed(register.AlarmRemovals, register.AlarmSwap)
	g.page(list(0, 500)...).wants("unchanged").ended("accident")
}

// A clock on the page makes other bytes each time, and no other entries.
func TestTaughtARedesignedPageWithAClock(t *testing.T) {
	g := newGate(t, list(0, 100)...)
	for range 10 {
		rows := list(0, 40)
		slices.Reverse(rows)
		g.page(rows...).wants("held")
	}
}
