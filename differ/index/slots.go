package index

import (
	"encoding/binary"
	"math/bits"

	"github.com/regwatch/regwatch/internal/offheap"
	"github.com/regwatch/regwatch/register"
)

func (x *Index) dropSlots() {
	offheap.Free(x.slots)
	x.slots = nil
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
