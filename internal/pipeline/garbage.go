package pipeline

import (
	"runtime/debug"
	"sync"
)

// firstReading is how far the heap may grow over what is alive, in percent, while
// a register is read for the first time: little is alive then, and the collector
// would run over it for every few thousand rows.
const firstReading = 150

var collector struct {
	mu      sync.Mutex
	readers int
	before  int // the collector's percentage while nothing is read for the first time
}

// collectLess lets the heap grow until the returned function is called.
func collectLess() (usual func()) {
	collector.mu.Lock()
	defer collector.mu.Unlock()
	if collector.readers++; collector.readers == 1 {
		collector.before = debug.SetGCPercent(firstReading)
	}
	return func() {
		collector.mu.Lock()
		defer collector.mu.Unlock()
		if collector.readers--; collector.readers == 0 {
			debug.SetGCPercent(collector.before)
		}
	}
}
