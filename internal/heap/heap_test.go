package heap

import (
	"os"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// percent gives how far the heap may grow now.
func percent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64()) //nolint:gosec // a few hundred
}

func TestTheFirstCollectionEndsTheBeginning(t *testing.T) {
	if os.Getenv("GOGC") != "" {
		t.Skip("GOGC says how far the heap grows")
	}
	for deadline := time.Now().Add(10 * time.Second); percent() != lasting; runtime.Gosched() {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("%d %% after a collection, want %d", percent(), lasting)
		}
	}
}

func TestCollectLess(t *testing.T) {
	settle(lasting)
	defer settle(lasting)
	one, other := CollectLess(), CollectLess()
	if got := percent(); got != reading {
		t.Errorf("%d %% while something is read, want %d", got, reading)
	}
	settle(lasting + 1) // the first collection may come while something is read
	one()
	if got := percent(); got != reading {
		t.Errorf("%d %% while something is read still, want %d", got, reading)
	}
	other()
	if got := percent(); got != lasting+1 {
		t.Errorf("%d %% when nothing is read any more, want %d", got, lasting+1)
	}
	settle(atFirst)
	usual := CollectLess()
	if got := percent(); got != atFirst {
		t.Errorf("%d %% while something is read at first, want %d", got, atFirst)
	}
	usual()
}
