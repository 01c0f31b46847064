// Package heap says how far the process's heap may grow before it is collected.
//
// It begins with that before main does: what most commands need until they end is not
// worth a collection, and libraries that allocate much while the process starts are
// initialised behind this package, for Go goes by the paths of imports.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
)

// Growth over what is alive, in percent.
const (
	// atFirst lets the heap grow to 16 MB, where 4 are usual in Go.
	atFirst = 400

	// lasting is less than is usual. What a change takes is then memory that the one
	// before has touched, and collecting costs less than touching new memory.
	lasting = 80

	// reading is for the first reading of a register: little is alive then, and the
	// collector would run over it for every few thousand rows.
	reading = 150
)

// frugalFrom is from how much memory on, in bytes, the collector takes time rather
// than let the heap grow. Ordinary work stays far below: it is for pages of which
// hundreds of thousands of entries differ.
const frugalFrom = 512 << 20

// growth is how far the heap may grow now.
var growth struct {
	mu      sync.Mutex
	given   bool // by the environment
	usual   int
	readers int
}

func init() { //nolint:gochecknoinits // it must come before the init of others
	if os.Getenv("GOMEMLIMIT") == "" { // of the runtime; whoever sets it means it
		debug.SetMemoryLimit(frugalFrom)
	}
	if os.Getenv("GOGC") != "" {
		growth.given = true
		return
	}
	growth.usual = atFirst
	apply()
	runtime.AddCleanup(new([64]byte), settle, lasting) // by the first collection
}

// settle says what is usual from now on.
func settle(percent int) {
	growth.mu.Lock()
	defer growth.mu.Unlock()
	growth.usual = percent
	apply()
}

// CollectLess lets the heap grow further until the returned function is called, once.
func CollectLess() (usual func()) {
	read := func(more int) {
		growth.mu.Lock()
		defer growth.mu.Unlock()
		growth.readers += more
		apply()
	}
	read(1)
	return func() { read(-1) }
}

// apply tells the runtime.
func apply() {
	if growth.given {
		return
	}
	percent := growth.usual
	if growth.readers > 0 {
		percent = max(percent, reading)
	}
	debug.SetGCPercent(percent)
}
