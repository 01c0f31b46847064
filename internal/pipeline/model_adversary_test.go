package pipeline_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regwatch/regwatch/internal/adversary"
)

// seeds is how many stories are played: REGWATCH_SEEDS, or a tenth of what .ci/run
// asks for.
func seeds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("REGWATCH_SEEDS")
	if text == "" {
		return 100
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("REGWATCH_SEEDS is %q: want a number of stories", text)
	}
	return n
}

const stepsPerStory = 200

// TestAdversary plays stories of registers whose truth is known, and whose page is
// broken in every way that taught us something, through gate 1, Diff and Judge:
// nothing is announced that is not so, nothing is missed, every hold ends. To play
// one story again: REGWATCH_SEED=17 go test -run TestAdversary. Every other story
// is played with indexes of the head, and its pages are read by their rows.
func TestAdversary(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("REGWATCH_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("REGWATCH_SEED: %v", err)
		}
		t.Logf("%d fetches read by their rows", playInMemory(t, seed))
		return
	}
	const groups = 4
	var failed atomic.Bool // one story is enough to begin with
	var byRows atomic.Int64
	t.Cleanup(func() {
		t.Logf("%d stories, %d fetches read by their rows", seeds(t), byRows.Load())
		if byRows.Load() == 0 && seeds(t) >= 10 && !failed.Load() {
			t.Error("no page was read by its rows")
		}
	})
	for group := range groups {
		t.Run(fmt.Sprintf("group %d of %d", group+1, groups), func(t *testing.T) {
			t.Parallel()
			for seed := group; seed < seeds(t) && !failed.Load(); seed += groups {
				byRows.Add(int64(playInMemory(t, uint64(seed))))
				failed.CompareAndSwap(false, t.Failed())
			}
		})
	}
}

func playInMemory(t *testing.T, seed uint64) (byRows int) {
	t.Helper()
	dirs := t.TempDir()
	play := func(s adversary.Story) ([]string, error) {
		w := newMemoryWorld(t.Context(), s.Register)
		if seed/4%4 == 1 { // of each group every fourth one
			dir, err := os.MkdirTemp(dirs, "")
			if err != nil {
				return nil, err
			}
			w = w.withIndexes(dir)
		}
		told, err := s.Play(w)
		byRows = w.byRows
		return told, err
	}
	story := adversary.NewStory(seed, stepsPerStory)
	if _, err := play(story); err == nil {
		return byRows
	}
	story = adversary.Shrink(story, 400, func(s adversary.Story) bool { _, err := play(s); return err != nil })
	told, err := play(story)
	t.Errorf("seed %d, %+v, shrunk to %d steps:\n%s\n%v", seed, story.Register, len(story.Steps), strings.Join(told, "\n"), err)
	return byRows
}
