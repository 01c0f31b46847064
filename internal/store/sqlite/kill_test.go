package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/register"
)

// victim is the environment variable that makes this test's binary commit to
// the store it names, until it is killed.
const victim = "REGWATCH_TEST_VICTIM"

// changesPerRun is how many changes each of the victim's commits accepts.
const changesPerRun = 3

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		fmt.Fprintln(os.Stderr, commitUntilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// commitUntilKilled prints the head's version after each commit.
func commitUntilKilled(path string) error {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		return err
	}
	for {
		head, err := store.Head(ctx, "cz-games")
		if err != nil {
			return err
		}
		c := commitOf("cz-games", head.Version, register.OutcomeChanged)
		if head.Version == 0 {
			c.Run.Outcome = register.OutcomeBaseline
		}
		for i := range changesPerRun * int(min(head.Version, 1)) {
			e := company(int(head.Version)*changesPerRun+i, "on")
			c.Accepted = append(c.Accepted, register.Accepted{Kind: register.Added, After: &e})
		}
		if _, _, err := store.Commit(ctx, c); err != nil {
			return err
		}
		fmt.Println(head.Version + 1)
	}
}

// TestKilled kills a process that commits, again and again, and finds every
// commit whole: those that were acknowledged, and at most one more.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for round := range 5 {
		acknowledged := killAfter(t, path, 5+7*round)
		store := open(t, path)
		head, err := store.Head(t.Context(), "cz-games")
		if err != nil {
			t.Fatal(err)
		}
		if head.Version < acknowledged {
			t.Fatalf("%d commits were acknowledged, %d are there", acknowledged, head.Version)
		}
		if want := changesPerRun * (head.Version - 1); head.Sequence != want || int64(head.Entries) != want {
			t.Errorf("after %d commits: sequence %d, %d entries, want %d", head.Version, head.Sequence, head.Entries, want)
		}
		if err := store.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// killAfter kills a process after that many commits, and gives the last version
// that it acknowledged.
func killAfter(t *testing.T, path string, commits int) int64 {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Env = append(os.Environ(), victim+"="+path)
	process.Stderr = os.Stderr
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines, last := bufio.NewScanner(output), int64(0)
	for n := 0; lines.Scan(); n++ {
		if last, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		if n == commits {
			if err := process.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := process.Wait(); err == nil || last == 0 {
		t.Fatalf("the process ended by itself after version %d: %v", last, err)
	}
	return last
}
