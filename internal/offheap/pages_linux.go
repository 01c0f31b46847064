package offheap

import "golang.org/x/sys/unix"

// get maps anonymous memory, on pages of 2 MB where the system has them.
func get(size int) ([]byte, bool) {
	block, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, false
	}
	_ = unix.Madvise(block, unix.MADV_HUGEPAGE) // a wish
	return block, true
}

func put(block []byte) { _ = unix.Munmap(block) }
