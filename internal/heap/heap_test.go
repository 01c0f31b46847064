package heap

import (
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

// ownRule lets the rule hold for a test, wherever the tests are run with GOGC.
func ownRule(t *testing.T, given bool) {
	t.Helper()
	set := func(given bool) (before bool, usual int) {
		growth.mu.Lock()
		defer growth.mu.Unlock()
		before, growth.given = growth.given, given
		return before, growth.usual
	}
	before, usual := set(given)
	t.Cleanup(func() { set(before); settle(usual) })
}

func TestTheFirstCollectionEndsTheBeginning(t *testing.T) {
	want := lasting
	if growth.given {
		want = percent()
	}
	for deadline := time.Now().Add(10 * time.Second); percent() != want; runtime.Gosched() {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("%d %% after a collection, want %d", percent(), want)
		}
	}
}

func TestCollectLess(t *testing.T) {
	ownRule(t, false)
	settle(lasting)
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

func TestWhatTheEnvironmentGivesIsLeftAlone(t *testing.T) {
	ownRule(t, true)
	want := percent()
	usual := CollectLess()
	settle(want + 1)
	if got := percent(); got != want {
		t.Errorf("%d %% while something is read, want %d", got, want)
	}
	usual()
	if got := percent(); got != want {
		t.Errorf("%d %% when nothing is read any more, want %d", got, want)
	}
}
