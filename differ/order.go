package differ

import (
	"slices"

	"github.com/regwatch/regwatch/register"
)

// ordered walks entries by key, and within a key by content, without moving
// them.
type ordered struct {
	entries   []register.Entry
	positions []int
	at        int
}

func inOrder(entries []register.Entry) *ordered {
	o := &ordered{entries: entries, positions: make([]int, len(entries))}
	for i := range o.positions {
		o.positions[i] = i
	}
	slices.SortFunc(o.positions, func(a, b int) int { return compareEntries(entries[a], entries[b]) })
	return o
}

func (o *ordered) more() bool { return o.at < len(o.positions) }

func (o *ordered) key() register.Key { return o.entries[o.positions[o.at]].Key }

// take gives the positions of the entries of that key, which is the next one or
// not there at all.
func (o *ordered) take(key register.Key) []int {
	start := o.at
	for o.more() && o.key() == key {
		o.at++
	}
	return o.positions[start:o.at]
}

// seek passes over lesser keys and gives the entries of that key.
func (o *ordered) seek(key register.Key) []register.Entry {
	for o.more() && o.key() < key {
		o.at++
	}
	var entries []register.Entry
	for _, i := range o.take(key) {
		entries = append(entries, o.entries[i])
	}
	return entries
}

func lesserKey(a, b *ordered) register.Key {
	switch {
	case !a.more():
		return b.key()
	case !b.more():
		return a.key()
	default:
		return min(a.key(), b.key())
	}
}
