package scraper

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// onHugePages asks the system to back memory that was just made by pages of 2 MB:
// it is filled at once, and tens of thousands of page faults take longer than
// what is written.
func onHugePages[T olderRow | newerRow](rows []T) []T {
	if cap(rows) > 0 {
		all := rows[:cap(rows)]
		bytes := unsafe.Slice((*byte)(unsafe.Pointer(&all[0])), cap(rows)*int(unsafe.Sizeof(all[0]))) //nolint:gosec // plain numbers
		_ = unix.Madvise(bytes, unix.MADV_HUGEPAGE)                                                   // a wish
	}
	return rows
}
