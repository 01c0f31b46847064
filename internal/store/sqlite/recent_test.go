package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// TestRecentHasABound keeps more than there is room for: the newest are held, and
// what was let go of is not counted any more.
func TestRecentHasABound(t *testing.T) {
	var r recent
	var events []register.Outgoing
	for i := range 12 {
		change := register.Change{After: register.Values{{Name: "name", Text: strings.Repeat("x", 1<<20)}}}
		events = append(events, register.Outgoing{ID: fmt.Sprint(i), Position: int64(i), Change: &change})
		r.keep(events[i:])
		r.keep(events[i:]) // read again
	}
	if len(r.events) != len(r.order) || len(r.events) != 3 || r.bytes > recentBytes {
		t.Errorf("%d events are held, %d in order, of %d bytes", len(r.events), len(r.order), r.bytes)
	}
	if _, held := r.all([]string{"8", "9"}); held {
		t.Error("event 8 is still held")
	}
	got, held := r.all([]string{"11", "9", "10", "9"})
	if !held || !slices.EqualFunc(got, events[9:], func(a, b register.Outgoing) bool { return a.ID == b.ID && a.Change == b.Change }) {
		t.Errorf("held %v: %d events", held, len(got))
	}
	r.keep([]register.Outgoing{{ID: "huge", Position: 12, Change: &register.Change{Before: register.Values{{Text: strings.Repeat("x", recentBytes)}}}}})
	if len(r.events) != 0 || len(r.order) != 0 || r.bytes != 0 {
		t.Errorf("an event that is larger than the room: %d held, of %d bytes", len(r.events), r.bytes)
	}
}

// TestRecentKeepsTheFirstOfACommit has more committed than there is room for: those
// that are asked for first are held.
func TestRecentKeepsTheFirstOfACommit(t *testing.T) {
	var r recent
	var events []register.Outgoing
	for i := range 10 {
		change := register.Change{After: register.Values{{Name: "name", Text: strings.Repeat("x", 1<<20)}}}
		events = append(events, register.Outgoing{ID: fmt.Sprint(i), Change: &change})
	}
	r.keepFirst(events)
	rows := slices.Clone(events)
	for i := range rows {
		rows[i].Change = nil
	}
	r.fill(rows)
	for i := range rows {
		if held := rows[i].Change != nil; held != (i < 3) {
			t.Errorf("event %d is held: %v", i, held)
		}
	}
}
