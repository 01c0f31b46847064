package offheap

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of the large pages that Linux has on most processors, in
// bytes. Only a mapping of a multiple of it begins where one can lie.
const hugePage = 2 << 20

func mapped(size int) int { return (size + hugePage - 1) &^ (hugePage - 1) }

// get maps anonymous memory, on large pages where the system has them.
func get(size int) ([]byte, bool) {
	block, err := unix.Mmap(-1, 0, mapped(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, false
	}
	_ = unix.Madvise(block, unix.MADV_HUGEPAGE) // a wish
	return block[:size], true
}

// put is not checked for pointers: what an append has moved to the heap is smaller
// than what was mapped. No mapping begins there, so that it stays.
//
//go:nocheckptr
//go:noinline
func put(block []byte) {
	_ = unix.Munmap(unsafe.Slice(unsafe.SliceData(block), mapped(len(block)))) //nolint:gosec // as it was mapped
}
