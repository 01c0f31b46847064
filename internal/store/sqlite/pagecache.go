package sqlite

import (
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/regwatch/regwatch/internal/offheap"
)

// Room for pages that SQLite caches, of all stores of the process. What does not fit
// is allocated one by one: a page of 8 KiB and its header then take 16, and are
// given back to the system when a cache is emptied.
const (
	cachedPages = 1100
	cachedPage  = pageSize + 512 // bytes, with SQLite's header
)

// pageRoom gives SQLite room for cached pages that it keeps: their memory is new to
// the process only once. It only spares work, so that it is no error if SQLite is in
// use already and refuses.
var pageRoom = sync.OnceValue(func() []byte {
	room := offheap.Make[byte](cachedPages*cachedPage, cachedPages*cachedPage)
	tls := libc.NewTLS()
	defer tls.Close()
	start := uintptr(unsafe.Pointer(unsafe.SliceData(room))) //nolint:gosec // nothing moves it, and what is returned keeps it
	arguments := libc.NewVaList(start, int32(cachedPage), int32(cachedPages))
	defer libc.Xfree(tls, arguments)
	if lib.Xsqlite3_config(tls, lib.SQLITE_CONFIG_PAGECACHE, arguments) != lib.SQLITE_OK {
		offheap.Free(room)
		return nil
	}
	return room
})
