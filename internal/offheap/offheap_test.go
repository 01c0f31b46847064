package offheap

import (
	"runtime"
	"testing"
)

func TestGrowKeepsValues(t *testing.T) {
	values := Make[uint64](0, least) // outside of the heap: 8 MB
	for i := range least {
		values = append(values, uint64(i))
	}
	for _, capacity := range []int{2 * least, least, 100} { // the last one on the heap
		values = Grow(values[:min(len(values), capacity)], capacity)
		if cap(values) != capacity {
			t.Fatalf("room for %d, want %d", cap(values), capacity)
		}
		for i, v := range values {
			if v != uint64(i) {
				t.Fatalf("value %d is %d after growing to %d", i, v, capacity)
			}
		}
	}
	Free(values)
}

func TestWhatIsMadeIsZeroAndOutside(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		values := Make[[2]uint64](1<<20, 1<<20)
		for i := range values {
			if values[i] != [2]uint64{} {
				t.Fatalf("value %d is %v", i, values[i])
			}
			values[i][0] = 1
		}
		Free(values)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; runtime.GOOS == "linux" && grown > 1<<20 {
		t.Errorf("%d bytes were taken from the heap", grown)
	}
}

// What an append has moved to the heap is freed by the collector alone.
func TestFreeLeavesTheHeapAlone(t *testing.T) {
	values := Make[uint64](least, least)
	outside := values
	values = append(values, 1)
	Free(values)
	values[0] = 7
	if values[0] != 7 || len(values) != least+1 {
		t.Error("it is gone")
	}
	Free(outside)
	Free(outside) // once more is no harm
	Free[uint64](nil)
}
