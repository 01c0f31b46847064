package archive

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// age makes a stored body look as if it had been committed long ago.
func age(t *testing.T, dir, sum string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(filepath.Join(dir, sum[:2], sum+".zst"), then, then); err != nil {
		t.Fatal(err)
	}
}

func TestSweep(t *testing.T) {
	a, dir := open(t)
	kept, old, young := put(t, a, []byte("kept")), put(t, a, []byte("old")), put(t, a, []byte("young"))
	again := put(t, a, []byte("committed again"))
	for _, sum := range []string{kept, old, again} {
		age(t, dir, sum, 100*24*time.Hour)
	}
	put(t, a, []byte("committed again"))

	removed, err := a.Sweep(t.Context(), func(sum string) bool { return sum == kept }, time.Now().Add(-time.Hour))
	if err != nil || removed.Objects != 1 || removed.Stored == 0 {
		t.Errorf("removed %+v, %v", removed, err)
	}
	left := map[string]bool{}
	for o, err := range a.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		left[o.SHA256] = true
	}
	if left[old] || !left[kept] || !left[young] || !left[again] {
		t.Errorf("left %v", left)
	}
	usage, err := a.Usage(t.Context())
	if err != nil || usage.Objects != 3 || usage.Stored == 0 {
		t.Errorf("usage %+v, %v", usage, err)
	}
	if err := a.Remove(kept); err != nil {
		t.Error(err)
	}
	if usage, _ := a.Usage(t.Context()); usage.Objects != 2 {
		t.Errorf("usage after remove %+v", usage)
	}
}

func TestSweepEndsWithContext(t *testing.T) {
	a, _ := open(t)
	put(t, a, []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Sweep(ctx, func(string) bool { return false }, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("sweep: %v", err)
	}
}

// A body that is committed while a sweep wants to remove it is never lost.
func TestSweepDuringCommit(t *testing.T) {
	a, dir := open(t)
	for range 50 {
		sum := put(t, a, []byte("contended"))
		age(t, dir, sum, 100*24*time.Hour)
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := a.Sweep(t.Context(), func(string) bool { return false }, time.Now().Add(-time.Hour)); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() { put(t, a, []byte("contended")) })
		group.Wait()
		if got := get(t, a, sum); string(got) != "contended" {
			t.Fatalf("read %q", got)
		}
	}
}

func TestListIgnoresWhatIsNotOurs(t *testing.T) {
	a, dir := open(t)
	sum := put(t, a, []byte("x"))
	for _, name := range []string{"README", sum[:2] + "/notes.txt", sum[:2] + "/short.zst"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if usage, err := a.Usage(t.Context()); err != nil || usage.Objects != 1 {
		t.Errorf("usage %+v, %v", usage, err)
	}
}
