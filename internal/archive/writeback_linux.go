package archive

import (
	"os"

	"golang.org/x/sys/unix"
)

// writeBack has the system begin to write a part of a file to the disk, and does not
// wait for it.
func writeBack(file *os.File, from, size int64) {
	if raw, err := file.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SyncFileRange(int(fd), from, size, unix.SYNC_FILE_RANGE_WRITE) })
	}
}
