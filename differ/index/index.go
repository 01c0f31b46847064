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

func (x *Index) dropSlots() {
	offheap.Free(x.slots)
	x.slots = nil
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

func (x *Index) swap(i, j int) {
	x.entries[i], x.entries[j] = x.entries[j], x.entries[i]
	x.rows[i], x.rows[j] = x.rows[j], x.rows[i]
	x.facts[i], x.facts[j] = x.facts[j], x.facts[i]
	x.seen[i], x.seen[j] = x.seen[j], x.seen[i]
}

// index makes entries findable one by one.
func (x *Index) index() {
	size := 1 << max(10, bits.Len(uint(cap(x.entries)*3/2)))
	x.dropSlots()
	x.slots = offheap.Make[uint32](size, size)
	for i := range x.entries {
		x.insert(i)
	}
}

func (x *Index) insert(i int) {
	if 4*len(x.entries) > 3*len(x.slots) {
		size := 2 * len(x.slots)
		x.dropSlots()
		x.slots = offheap.Make[uint32](size, size)
		for j := range i {
			x.put(j)
		}
	}
	x.put(i)
}

func (x *Index) put(i int) {
	mask := uint64(len(x.slots) - 1)
	at := binary.LittleEndian.Uint64(x.entries[i][:8]) & mask
	for x.slots[at] != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = uint32(i + 1)
}

func (x *Index) find(identity register.Hash) int {
	mask := uint64(len(x.slots) - 1)
	for at := binary.LittleEndian.Uint64(identity[:8]) & mask; x.slots[at] != 0; at = (at + 1) & mask {
		if i := int(x.slots[at] - 1); x.entries[i] == identity {
			return i
		}
	}
	return -1
}
