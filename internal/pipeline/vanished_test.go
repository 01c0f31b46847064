package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// What a page does not show is judged by key and content alone where much is gone from
// a large register. That must tell the same, word for word, as the entries themselves.
func TestVanishedEntriesThatAreBare(t *testing.T) {
	whole, bare := newBench(t), newIndexBench(t)
	for _, b := range []*bench{whole, bare} {
		b.def.Fields = append(b.def.Fields, register.Field{Name: "city", From: from("city")}, register.Field{Name: "state", From: from("state")})
		b.def.ListedWhile = `state != "ended"`
	}
	rows := func(from, to int) (rows []string) {
		for i := from; i < to; i++ {
			rows = append(rows, fmt.Sprintf("%d,firm %d,city %d,listed", i, i, i))
		}
		return rows
	}
	all := rows(0, 60)
	short := slices.Concat(rows(0, 10), rows(12, 60))
	rekeyed := slices.Concat(rows(0, 10), []string{"112,firm 12,city 12,listed", "113,firm 13,city 13,listed"}, rows(14, 60))
	ended := slices.Concat(rekeyed, nil)
	ended[3] = strings.Replace(ended[3], "listed", "ended", 1)
	told := map[register.Kind]int{}
	for i, step := range []struct {
		rows []string
		tail string // of a page that is cut there
	}{
		{rows: all},
		{rows: short}, // two wait
		{rows: rows(20, 60), tail: "70,firm 70,ci"},                  // cut: of its absences nothing is told, and those that wait do
		{rows: slices.Concat(rows(20, 60), rows(80, 82)), tail: "9"}, // cut, with two that are new
		{rows: slices.Concat(short, rows(80, 82))},                   // and are removed
		{rows: slices.Concat(rekeyed, rows(80, 82))},                 // two under other keys
		{rows: slices.Concat(ended, rows(80, 82))},                   // one is stated to have ended
		{rows: rows(30, 60)},                                         // many are gone: held
		{rows: rows(30, 61)},                                         // and the page lives on: they are removed
		{rows: slices.Concat(rows(0, 3), rows(30, 61))},              // some are listed again
	} {
		var want []register.Change
		for _, b := range []*bench{whole, bare} {
			b.site.Publish("/list.csv", testsite.Plain("text/csv", []byte("id,name,city,state\n"+strings.Join(step.rows, "\n")+"\n"+step.tail)))
			run, changes := b.run()
			if run.Partial != (step.tail != "") {
				t.Fatalf("step %d: partial %v (%s)", i, run.Partial, run.Reason)
			}
			got := wordsOf(changes)
			if b == whole {
				want = got
				for _, c := range changes {
					told[c.Kind]++
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("step %d (-whole +bare)\n%s", i, diff)
			}
		}
		if diff := cmp.Diff(whole.head(), bare.head()); diff != "" {
			t.Errorf("step %d: head (-whole +bare)\n%s", i, diff)
		}
	}
	if least := (map[register.Kind]int{register.Removed: 20, register.Added: 3, register.Rekeyed: 2, register.Relisted: 3}); !atLeast(told, least) {
		t.Errorf("told was %v: too little to compare", told)
	}
}

func from(name string) []register.Source { return []register.Source{{Name: name}} }

func atLeast(told, least map[register.Kind]int) bool {
	for kind, n := range least {
		if told[kind] < n {
			return false
		}
	}
	return true
}

// wordsOf gives what changes say, without what belongs to one store or one page alone.
func wordsOf(changes []register.Change) []register.Change {
	words := make([]register.Change, len(changes))
	for i, c := range changes {
		words[i] = register.Change{
			Kind: c.Kind, EntryID: c.EntryID, Key: c.Key, PreviousKey: c.PreviousKey, Before: c.Before, After: c.After,
			Differences: c.Differences, Partial: c.Partial, DelistedOn: c.DelistedOn, Run: c.Run, Sequence: c.Sequence,
		}
		if c.MissingSince != nil {
			words[i].MissingSince = new(time.Time) // that there is one; when is the run's
		}
	}
	return words
}
