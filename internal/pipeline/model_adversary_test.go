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
// one story again: REGWATCH_SEED=17 go test -run TestAdversary.
func TestAdversary(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("REGWATCH_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("REGWATCH_SEED: %v", err)
		}
		playInMemory(t, seed)
		return
	}
	const groups = 4
	var failed atomic.Bool // one story is enough to begin with
	for group := range groups {
		t.Run(fmt.Sprintf("group %d of %d", group+1, groups), func(t *testing.T) {
			t.Parallel()
			for seed := group; seed < seeds(t) && !failed.Load(); seed += groups {
				playInMemory(t, uint64(seed))
				failed.CompareAndSwap(false, t.Failed())
			}
		})
	}
}

func playInMemory(t *testing.T, seed uint64) {
	t.Helper()
	play := func(s adversary.Story) ([]string, error) { return s.Play(newMemoryWorld(t.Context(), s.Register)) }
	story := adversary.NewStory(seed, stepsPerStory)
	if _, err := play(story); err == nil {
		return
	}
	story = adversary.Shrink(story, 400, func(s adversary.Story) bool { _, err := play(s); return err != nil })
	told, err := play(story)
	t.Errorf("seed %d, %+v, shrunk to %d steps:\n%s\n%v", seed, story.Register, len(story.Steps), strings.Join(told, "\n"), err)
}
