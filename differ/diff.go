package differ

import (
	"cmp"
	"slices"

	"github.com/regwatch/regwatch/register"
)

// Diff finds what leads from the entries of prev to those of next. Entries are
// found again by key. Of several that share a key, equal content is paired
// first; then an entry whose own row now says that it is delisted; the rest by
// fewest differing fields. What is left over is added or removed.
func Diff(prev, next register.Snapshot) Differences {
	older, newer, stated := inOrder(prev.Entries), inOrder(next.Entries), inOrder(next.Delisted)
	found := found{prev: prev.Entries, next: next.Entries}
	for older.more() || newer.more() {
		key := lesserKey(older, newer)
		found.group(older.take(key), newer.take(key), stated.seek(key))
	}
	return found.differences()
}

// found collects differences as positions, so that they can be told in page
// order whatever order they were found in.
type found struct {
	prev, next []register.Entry
	same       int
	added      []int
	removed    []removedAt
	changed    []pairAt
}

type removedAt struct {
	position  int
	statement *register.Entry
}

type pairAt struct{ before, after int }

// group compares the entries that share one key: before and after hold their
// positions in the order of their contents.
func (f *found) group(before, after []int, statements []register.Entry) {
	before, after = f.dropSame(before, after)
	before = f.takeStated(before, statements)
	pairs := f.closest(before, after)
	f.changed = append(f.changed, pairs...)
	for _, i := range unpaired(before, pairs, func(p pairAt) int { return p.before }) {
		f.removed = append(f.removed, removedAt{position: i})
	}
	f.added = append(f.added, unpaired(after, pairs, func(p pairAt) int { return p.after })...)
}

// dropSame counts and leaves out what is equal in content on both sides.
func (f *found) dropSame(before, after []int) (olds, news []int) {
	for len(before) > 0 && len(after) > 0 {
		a, b := f.prev[before[0]].Content, f.next[after[0]].Content
		switch slices.Compare(a[:], b[:]) {
		case 0:
			f.same++
			before, after = before[1:], after[1:]
		case -1:
			olds, before = append(olds, before[0]), before[1:]
		default:
			news, after = append(news, after[0]), after[1:]
		}
	}
	return append(olds, before...), append(news, after...)
}

// takeStated records as removed each entry whose own row says that it is
// delisted, and returns the others.
func (f *found) takeStated(before []int, statements []register.Entry) []int {
	if len(statements) == 0 {
		return before
	}
	var others []int
	said := statementsOf(statements)
	for _, i := range before {
		if at, ok := said.take(f.prev[i]); ok {
			f.removed = append(f.removed, removedAt{i, &statements[at]})
		} else {
			others = append(others, i)
		}
	}
	return others
}

func (f *found) differences() Differences {
	slices.Sort(f.added)
	slices.SortFunc(f.removed, func(a, b removedAt) int { return cmp.Compare(a.position, b.position) })
	slices.SortFunc(f.changed, func(a, b pairAt) int { return cmp.Compare(a.after, b.after) })
	d := Differences{
		Same: f.same, Added: slices.Grow([]register.Entry(nil), len(f.added)),
		Removed: slices.Grow([]Removal(nil), len(f.removed)), Changed: slices.Grow([]Pair(nil), len(f.changed)),
	}
	for _, i := range f.added {
		d.Added = append(d.Added, f.next[i])
	}
	for _, r := range f.removed {
		d.Removed = append(d.Removed, Removal{f.prev[r.position], r.statement})
	}
	for _, p := range f.changed {
		d.Changed = append(d.Changed, Pair{f.prev[p.before], f.next[p.after]})
	}
	return d
}
