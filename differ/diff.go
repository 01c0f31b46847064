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
	for _, p := range f.closest(before, after) {
		f.changed = append(f.changed, p)
		before = without(before, p.before)
		after = without(after, p.after)
	}
	for _, i := range before {
		f.removed = append(f.removed, removedAt{position: i})
	}
	f.added = append(f.added, after...)
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
	var others []int
	for _, i := range before {
		at := slices.IndexFunc(statements, func(s register.Entry) bool { return isStatementOf(s, f.prev[i]) })
		if at < 0 {
			others = append(others, i)
			continue
		}
		f.removed = append(f.removed, removedAt{i, &statements[at]})
		statements = slices.Delete(slices.Clone(statements), at, at+1)
	}
	return others
}

// isStatementOf reports whether row is the entry's own row with something
// filled in: it agrees with every field that the entry has. The row of an
// earlier listing of the same thing does not.
func isStatementOf(row, entry register.Entry) bool {
	return !slices.ContainsFunc(entry.Fields, func(v register.Value) bool {
		return register.Normalize(row.Fields.Get(v.Name)) != register.Normalize(v.Text)
	})
}

func (f *found) differences() Differences {
	slices.Sort(f.added)
	slices.SortFunc(f.removed, func(a, b removedAt) int { return cmp.Compare(a.position, b.position) })
	slices.SortFunc(f.changed, func(a, b pairAt) int { return cmp.Compare(a.after, b.after) })
	d := Differences{Same: f.same}
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
