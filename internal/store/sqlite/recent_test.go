package sqlite

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

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

// TestRecentKeepsTextsOfItsOwn commits a change whose texts are parts of a long row: the
// row is not held with them.
func TestRecentKeepsTextsOfItsOwn(t *testing.T) {
	row := "old,new," + strings.Repeat("x", 1<<10)
	change := register.Change{
		Before: register.Values{{Name: "status", Text: row[:3]}}, After: register.Values{{Name: "status", Text: row[4:7]}},
		Differences: map[string]register.Difference{"status": {row[:3], row[4:7]}},
	}
	var r recent
	r.keepFirst([]register.Outgoing{{ID: "a", Change: &change}})
	rows := []register.Outgoing{{ID: "a"}}
	r.fill(rows)
	held := rows[0].Change
	if !reflect.DeepEqual(*held, change) {
		t.Errorf("held is %+v, want %+v", *held, change)
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(row)))
	for name, text := range map[string]string{
		"before": held.Before[0].Text, "after": held.After[0].Text, "before, of the difference": held.Differences["status"][0], "after, of the difference": held.Differences["status"][1],
	} {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(text))); at >= from && at < from+uintptr(len(row)) {
			t.Errorf("%s is a part of the row", name)
		}
	}
}
