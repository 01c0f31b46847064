package scraper

import (
	"math/bits"
	"slices"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/internal/offheap"
)

// rowTable finds the rows of one page again among those of another, by 104 bits
// of their hash. Both pages' rows are added, by several goroutines at once; then
// they are joined.
//
// Rows lie in parts by the first bits of their hash, so that a part fits in the
// processor's cache: a look into all of memory takes longer than all else that
// is done with a row.
type rowTable struct {
	parts [tableParts]tablePart

	older []olderRow // where those of the parts lie, as long as they fit
	newer []newerRow
}

const (
	tableParts = 256
	partShift  = 64 - 8
	markSeen   = 1 << 31 // of olderRow.anchor
)

type tablePart struct {
	mu    sync.Mutex
	older []olderRow
	newer []newerRow
}

// rowHash is what is kept of a row's hash beside its part.
type rowHash struct{ a, b, c uint32 }

func rowHashOf(hash xxh3.Uint128) rowHash {
	return rowHash{uint32(hash.Lo), uint32(hash.Lo >> 32), uint32(hash.Hi)}
}

// olderRow is what is kept of a row of the older page.
type olderRow struct {
	hash   rowHash
	anchor uint32 // 31 bits; the first: it is on the newer page too
	at     uint32 // its offset on the page
}

// newerRow is what is kept of a row of the newer page.
type newerRow struct {
	hash rowHash
	at   uint32
}

// newRowTable prepares for about that many rows of each page.
func newRowTable(older, newer int) *rowTable {
	room := func(rows int) int { return rows/tableParts + rows/tableParts/16 + 8 }
	t := &rowTable{
		older: offheap.Make[olderRow](0, tableParts*room(older)),
		newer: offheap.Make[newerRow](0, tableParts*room(newer)),
	}
	for i := range t.parts {
		from, to := i*room(older), (i+1)*room(older)
		t.parts[i].older = t.older[from:from:to]
		from, to = i*room(newer), (i+1)*room(newer)
		t.parts[i].newer = t.newer[from:from:to]
	}
	return t
}

// free gives back the memory of the table, which is empty then.
func (t *rowTable) free() {
	for i := range t.parts {
		t.parts[i].older, t.parts[i].newer = nil, nil
	}
	offheap.Free(t.older)
	offheap.Free(t.newer)
	t.older, t.newer = nil, nil
}

// addOlder and addNewer add rows to a part.
func (t *rowTable) addOlder(i int, rows []olderRow) {
	part := &t.parts[i]
	part.mu.Lock()
	part.older = append(part.older, rows...)
	part.mu.Unlock()
}

func (t *rowTable) addNewer(i int, rows []newerRow) {
	part := &t.parts[i]
	part.mu.Lock()
	part.newer = append(part.newer, rows...)
	part.mu.Unlock()
}

// gather is one goroutine's way to add rows: some of a part at once.
type gather[T any] struct {
	flush func(part int, rows []T)
	count [tableParts]uint8
	rows  [tableParts][gatherRows]T
}

const gatherRows = 32

func (g *gather[T]) add(part uint64, row T) {
	n := g.count[part]
	g.rows[part][n] = row
	if n++; n == gatherRows {
		g.flush(int(part), g.rows[part][:])
		n = 0
	}
	g.count[part] = n
}

// end adds what is left.
func (g *gather[T]) end() {
	for part, n := range g.count {
		g.flush(part, g.rows[part][:n])
		g.count[part] = 0
	}
}

// join finds the rows of either page that the other has not, by their places in
// any order, and marks those that both have. Of equal rows of one page the first
// speaks for all.
func (t *rowTable) join() (older, newer []int64) {
	var slots [partWorkers][]uint32
	var olds, news [partWorkers][]int64
	t.eachPart(func(w int, part *tablePart) { slots[w] = part.join(slots[w], &olds[w], &news[w]) })
	offheap.Free(t.newer)
	t.newer = nil
	return slices.Concat(olds[:]...), slices.Concat(news[:]...)
}

// partWorkers is how many goroutines look through the parts.
const partWorkers = 2

// eachPart lets each of the goroutines look through some of the parts.
func (t *rowTable) eachPart(look func(worker int, part *tablePart)) {
	var group sync.WaitGroup
	for w := range partWorkers {
		group.Go(func() {
			for i := w; i < tableParts; i += partWorkers {
				look(w, &t.parts[i])
			}
		})
	}
	group.Wait()
}

// join works on one part. Slots are lent from one part to the next.
func (p *tablePart) join(slots []uint32, older, newer *[]int64) []uint32 {
	size := 1 << bits.Len(uint(len(p.older)*3/2))
	if cap(slots) < size {
		slots = make([]uint32, size)
	}
	slots = slots[:size]
	clear(slots)
	mask := uint32(size - 1)
	find := func(hash rowHash) (slot *uint32, row *olderRow) {
		for at := hash.a; ; at++ {
			slot = &slots[at&mask]
			if *slot == 0 {
				return slot, nil
			}
			if row = &p.older[*slot-1]; row.hash == hash {
				return slot, row
			}
		}
	}
	distinct := 0
	for _, row := range p.older {
		if slot, first := find(row.hash); first == nil {
			p.older[distinct] = row
			distinct++
			*slot = uint32(distinct)
		} else {
			first.at = min(first.at, row.at)
		}
	}
	p.older = p.older[:distinct]
	for _, row := range p.newer {
		if _, same := find(row.hash); same == nil {
			*newer = append(*newer, int64(row.at))
		} else {
			same.anchor |= markSeen
		}
	}
	for _, row := range p.older {
		if row.anchor&markSeen == 0 {
			*older = append(*older, int64(row.at))
		}
	}
	p.newer = nil
	return slots
}

// common finds the rows that both pages have and that have one of these names, by
// their places in any order.
func (t *rowTable) common(names nameSet) []int64 {
	var places [partWorkers][]int64
	t.eachPart(func(w int, part *tablePart) {
		for _, row := range part.older {
			if row.anchor&markSeen != 0 && names.has(row.anchor&^markSeen) {
				places[w] = append(places[w], int64(row.at))
			}
		}
	})
	return slices.Concat(places[:]...)
}

// nameSet is some names of rows. Most rows have none of them, which one bit tells.
type nameSet struct {
	bits  *[1 << 16 / 64]uint64 // by the last 16 bits of a name
	names map[uint32]bool
}

func newNameSet() nameSet { return nameSet{new([1 << 16 / 64]uint64), map[uint32]bool{}} }

func (s nameSet) add(name uint32) {
	s.bits[name&(1<<16-1)>>6] |= 1 << (name & 63)
	s.names[name] = true
}

func (s nameSet) has(name uint32) bool {
	return s.bits[name&(1<<16-1)>>6]&(1<<(name&63)) != 0 && s.names[name]
}
