package index

import (
	"encoding/binary"

	"github.com/regwatch/regwatch/register"
)

// Apply takes over what was committed: entries that ended and entries that began.
func (x *Index) Apply(accepted []register.Accepted) {
	gone := map[register.Hash]bool{}
	var began []register.Hash
	for _, a := range accepted {
		if a.Before != nil && a.Kind != register.Added && a.Kind != register.Relisted {
			gone[a.Before.Identity()] = true
		}
		if a.After != nil && a.Kind != register.Removed {
			began = append(began, a.After.Identity())
		}
	}
	if len(gone) > 0 {
		x.drop(gone)
	}
	for _, identity := range began {
		x.Add(identity)
	}
	x.recall()
}

func (x *Index) drop(gone map[register.Hash]bool) {
	var some sieve
	for identity := range gone {
		some.add(identity)
	}
	n := len(x.entries)
	for i := 0; i < n; {
		if identity := x.entries[i]; !some.has(identity) || !gone[identity] {
			i++
			continue
		}
		n-- // the last takes its place
		x.entries[i], x.rows[i], x.facts[i], x.seen[i] = x.entries[n], x.rows[n], x.facts[n], x.seen[n]
	}
	x.entries, x.rows, x.facts, x.seen = x.entries[:n], x.rows[:n], x.facts[:n], x.seen[:n]
	x.dropSlots()
}

// recall gives entries the rows that were learned.
func (x *Index) recall() {
	byEntry := make(map[register.Hash]learned, len(x.learned))
	var some sieve
	for _, l := range x.learned {
		byEntry[l.entry] = l
		some.add(l.entry)
	}
	x.learned = nil
	if len(byEntry) == 0 {
		return
	}
	for i, identity := range x.entries {
		if !some.has(identity) {
			continue
		}
		if l, ok := byEntry[identity]; ok {
			x.rows[i], x.facts[i] = l.row, l.facts
		}
	}
}

// sieve tells most of the identities that are not among a few from those that
// are, without a look into all of memory.
type sieve [1 << 10]uint64

func (s *sieve) add(identity register.Hash) {
	at := binary.LittleEndian.Uint16(identity[:2])
	s[at>>6] |= 1 << (at & 63)
}

func (s *sieve) has(identity register.Hash) bool {
	at := binary.LittleEndian.Uint16(identity[:2])
	return s[at>>6]>>(at&63)&1 == 1
}

// group puts entries in the order of their parts.
func (x *Index) group() {
	partOf := func(i int) int {
		if x.rows[i] == (register.RowHash{}) {
			return parts
		}
		return x.rows[i].Part()
	}
	var counts [parts + 1]uint32
	for i := range x.entries {
		counts[partOf(i)]++
	}
	var next, end [parts + 1]uint32
	at := uint32(0)
	for part, n := range counts {
		x.offsets[part], next[part] = at, at
		at += n
		end[part] = at
	}
	x.offsets[parts+1] = at
	for part := range counts { // each swap puts one entry in its place
		for next[part] < end[part] {
			i := int(next[part])
			if to := partOf(i); to == part {
				next[part]++
			} else {
				x.swap(i, int(next[to]))
				next[to]++
			}
		}
	}
	x.dropSlots()
}

func (x *Index) swap(i, j int) {
	x.entries[i], x.entries[j] = x.entries[j], x.entries[i]
	x.rows[i], x.rows[j] = x.rows[j], x.rows[i]
	x.facts[i], x.facts[j] = x.facts[j], x.facts[i]
	x.seen[i], x.seen[j] = x.seen[j], x.seen[i]
}
