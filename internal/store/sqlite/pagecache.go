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

// undoneInMemory is how many bytes of pages SQLite keeps in memory to undo one statement
// of a transaction; what is more goes to a file. To end one entry changes some four pages,
// and as many leave the cache meanwhile, which count too: more than the 64 KB that are
// usual, and once there is a file each statement of the transaction writes to it. SQLite
// moves all of it to the file at once, and writes less than 128 KB at once: with more,
// each large statement would fail.
const undoneInMemory = 15 * (pageSize + 4) // each page has its number before it

// configure tells SQLite, before it is used, what memory it has for the pages of all
// stores of the process. It only spares work, so that it is no error if SQLite is in use
// already and refuses.
var configure = sync.OnceValue(func() (room []byte) {
	tls := libc.NewTLS()
	defer tls.Close()
	arguments := libc.NewVaList(int32(undoneInMemory))
	defer libc.Xfree(tls, arguments)
	_ = lib.Xsqlite3_config(tls, lib.SQLITE_CONFIG_STMTJRNL_SPILL, arguments)
	return pageRoom(tls)
})

// pageRoom gives SQLite room for cached pages that it keeps: their memory is new to
// the process only once.
func pageRoom(tls *libc.TLS) []byte {
	room := offheap.Make[byte](cachedPages*cachedPage, cachedPages*cachedPage)
	start := uintptr(unsafe.Pointer(unsafe.SliceData(room))) //nolint:gosec // nothing moves it, and what is returned keeps it
	arguments := libc.NewVaList(start, int32(cachedPage), int32(cachedPages))
	defer libc.Xfree(tls, arguments)
	if lib.Xsqlite3_config(tls, lib.SQLITE_CONFIG_PAGECACHE, arguments) != lib.SQLITE_OK {
		offheap.Free(room)
		return nil
	}
	return room
}
