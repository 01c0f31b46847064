package index

import (
	"crypto/rand"
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/internal/offheap"
	"github.com/regwatch/regwatch/register"
)

const parts = register.RowParts

// Index is the entries of one head. Its methods are not safe for concurrent use,
// save SeeRows for different parts. Its memory is not the collector's: whoever has
// one closes it.
type Index struct {
	seed     uint64
	head     Head
	offsets  [parts + 2]uint32 // where each part begins; the last: entries whose row is not known
	entries  []register.Hash   // by identity
	rows     []register.RowHash
	facts    []register.RowFacts
	seen     []bool
	slots    []uint32 // position in entries, from 1; made when needed
	learned  []learned
	learning bool // every entry is taken for known
}

// Head names the state of a head that an index is of, and the index itself.
type Head struct {
	Register    string
	Run         register.RunID // that made the entries
	Entries     int
	Fingerprint string        // of what read them
	Sum         register.Hash // see [Index.Sum]; zero: none was kept
}

// HeadOf gives the name of a head as it is now.
func HeadOf(h register.Head) Head {
	return Head{h.Register, h.Run, h.Entries, h.Fingerprint, h.Memory.Index}
}

type learned struct {
	entry register.Hash
	row   register.RowHash
	facts register.RowFacts
}

// New gives an empty index that learns: every entry that it is asked for becomes
// one of its own.
func New() *Index {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // it does not fail
	return &Index{seed: binary.LittleEndian.Uint64(seed[:]), learning: true}
}

// Close frees the index; it is empty then.
func (x *Index) Close() {
	if x == nil {
		return
	}
	x.reserve(0)
	x.dropSlots()
	*x = Index{seed: x.seed}
}

// reserve makes room for so many entries; 0 gives all of it back.
func (x *Index) reserve(capacity int) {
	n := min(len(x.entries), capacity)
	x.entries, x.rows = offheap.Grow(x.entries[:n], capacity), offheap.Grow(x.rows[:n], capacity)
	x.facts, x.seen = offheap.Grow(x.facts[:n], capacity), offheap.Grow(x.seen[:n], capacity)
}

// Add makes an entry known.
func (x *Index) Add(identity register.Hash) {
	if len(x.entries) == cap(x.entries) {
		x.reserve(len(x.entries) + len(x.entries)/2 + 1024)
	}
	x.entries = append(x.entries, identity)
	x.rows = append(x.rows, register.RowHash{})
	x.facts = append(x.facts, register.RowFacts{})
	x.seen = append(x.seen, false)
	x.offsets[parts+1] = uint32(len(x.entries))
	if x.slots != nil {
		x.insert(len(x.entries) - 1)
	}
}

// Known ends learning: from here on, what is asked for is known or not.
func (x *Index) Known() *Index {
	x.learning = false
	clear(x.seen)
	x.group()
	return x
}

// Len is the number of entries.
func (x *Index) Len() int { return len(x.entries) }

// Begin forgets what was seen and learned of a page.
func (x *Index) Begin() {
	clear(x.seen)
	x.learned = nil
}

// Expect makes room for so many entries in an index that has none yet and learns:
// one that grows little by little needs at times more than twice the memory.
func (x *Index) Expect(entries int) {
	if !x.learning || len(x.entries) > 0 {
		return
	}
	x.reserve(entries)
	x.dropSlots()
}

// Learns reports whether the index takes up what it is shown.
func (x *Index) Learns() bool { return x.learning }

// Rows gives the number that keys the hashes of rows, and whether any row can be
// found again by its bytes.
func (x *Index) Rows() (seed uint64, ok bool) { return x.seed, x.offsets[parts] > 0 }

// SeeEntry notes that a page shows an entry. Known: the index has it; again: it
// was seen before on this page.
func (x *Index) SeeEntry(identity register.Hash) (known, again bool) {
	if x.slots == nil {
		x.index()
	}
	at := x.find(identity)
	if at < 0 {
		if !x.learning {
			return false, false
		}
		x.Add(identity)
		at = len(x.entries) - 1
	}
	again = x.seen[at]
	x.seen[at] = true
	return true, again
}

// SeeEntries is SeeEntry for some entries out of many at once, and does not need
// the memory by which one is found.
func (x *Index) SeeEntries(identities []register.Hash) (known, again []bool) {
	known, again = make([]bool, len(identities)), make([]bool, len(identities))
	wanted := make(map[register.Hash][]int, len(identities))
	var some sieve
	for i, identity := range identities {
		wanted[identity] = append(wanted[identity], i)
		some.add(identity)
	}
	for at, identity := range x.entries {
		if !some.has(identity) {
			continue
		}
		for _, i := range wanted[identity] {
			known[i], again[i] = true, x.seen[at]
			x.seen[at] = true
		}
	}
	return known, again
}

// SeeRows notes that a page shows the rows of those hashes, all of one part. It
// calls missed for each that is not known, and counts those whose entry was seen
// before on this page. Scratch is lent from call to call.
func (x *Index) SeeRows(part int, hashes []register.RowHash, scratch []uint32, missed func(i int)) (again int, lent []uint32) {
	from, to := x.offsets[part], x.offsets[part+1]
	size := 1 << bits.Len(uint(to-from)*3/2)
	if cap(scratch) < size {
		scratch = make([]uint32, size)
	}
	slots, mask := scratch[:size], uint32(size-1)
	clear(slots)
	for i := from; i < to; i++ {
		at := x.rows[i][0] & mask
		for slots[at] != 0 {
			at = (at + 1) & mask
		}
		slots[at] = i + 1
	}
	for i, hash := range hashes {
		at := hash[0] & mask
		for slots[at] != 0 && x.rows[slots[at]-1] != hash {
			at = (at + 1) & mask
		}
		switch found := slots[at]; {
		case found == 0:
			missed(i)
		case x.seen[found-1]:
			again++
		default:
			x.seen[found-1] = true
		}
	}
	return again, scratch
}

// Learn remembers the row that an entry was read from, and what else there is to
// say of it. It counts when the entry belongs to the index, now or after Apply.
func (x *Index) Learn(identity register.Hash, row register.RowHash, facts register.RowFacts) {
	if x.learning {
		if x.slots == nil {
			x.index()
		}
		if at := x.find(identity); at >= 0 {
			x.rows[at], x.facts[at] = row, facts
		}
		return
	}
	if x.slots != nil {
		if at := x.find(identity); at >= 0 && x.rows[at] == row && x.facts[at] == facts {
			return // it is known by these bytes: so are nearly all where a known page is read whole
		}
	}
	x.learned = append(x.learned, learned{identity, row, facts})
}

// HasLearned reports whether rows were learned that its file does not know.
func (x *Index) HasLearned() bool { return len(x.learned) > 0 }

// Unseen gives the entries that the page did not show.
func (x *Index) Unseen() []register.Hash {
	var unseen []register.Hash
	for i, seen := range x.seen {
		if !seen {
			unseen = append(unseen, x.entries[i])
		}
	}
	return unseen
}

// Seen tells of the entries that the page showed: how many, their digest (see
// [register.Snapshot.Digest]), and over what is remembered of their rows, how many
// have each bit.
func (x *Index) Seen() (again register.Again, filled, odd [32]int) {
	var sum [2]uint64
	for i, seen := range x.seen {
		if !seen {
			continue
		}
		again.Entries++
		sum[0] ^= binary.LittleEndian.Uint64(x.entries[i][:8])
		sum[1] ^= binary.LittleEndian.Uint64(x.entries[i][8:])
		for m := x.facts[i].Filled; m != 0; m &= m - 1 {
			filled[bits.TrailingZeros32(m)]++
		}
		for m := x.facts[i].Odd; m != 0; m &= m - 1 {
			odd[bits.TrailingZeros32(m)]++
		}
	}
	binary.LittleEndian.PutUint64(again.Digest[:8], sum[0])
	binary.LittleEndian.PutUint64(again.Digest[8:], sum[1])
	return again, filled, odd
}

// Sum names all that the index knows: what is kept with the head, so that no other
// index is taken for that of the head, whatever its file says.
func (x *Index) Sum() register.Hash {
	x.group()
	return x.sum()
}

func (x *Index) sum() register.Hash {
	sum := xxh3.NewSeed(x.seed)
	_ = binary.Write(sum, binary.LittleEndian, x.offsets[:]) // neither fails
	for _, part := range [][]byte{bytesOf(x.entries), bytesOf(x.rows), bytesOf(x.facts)} {
		_, _ = sum.Write(part)
	}
	return sum.Sum128().Bytes()
}
