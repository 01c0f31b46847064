package sqlite

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestCheckpointFoldsTheJournalIn writes more than SQLite would leave in the
// journal by itself, and finds it in the file without the journal only after a
// checkpoint, which leaves a journal of the length that is kept.
func TestCheckpointFoldsTheJournalIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.update(t.Context(), func(tx *sql.Tx) error {
		for i := range 5000 { // two pages each
			if _, err := tx.ExecContext(t.Context(), `INSERT INTO register_state (register, paused_at) VALUES (?, 1)`, fmt.Sprintf("%08000d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := inFileAlone(t, path); n != 0 {
		t.Fatalf("%d rows are in the file before a checkpoint: a commit has folded them in", n)
	}
	if size := journal(t, path); size <= keptJournal {
		t.Fatalf("the journal has %d bytes: nothing is to be cut", size)
	}
	s.checkpoints.fold()
	if size := journal(t, path); size != keptJournal {
		t.Errorf("the journal has %d bytes after a checkpoint, want %d", size, keptJournal)
	}
	if n := inFileAlone(t, path); n != 5000 {
		t.Errorf("%d rows are in the file after a checkpoint, want 5000", n)
	}
}

func journal(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// inFileAlone counts the rows of a copy of the file without its journal.
func inFileAlone(t *testing.T, path string) (n int) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(alone, body, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), alone, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM register_state`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCheckpointWaitsForCalm: while commits keep coming none is made, but not for ever.
func TestCheckpointWaitsForCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &checkpoints{dirty: make(chan struct{}, 1), stop: make(chan struct{})}
		began := time.Now()
		c.committed()
		time.AfterFunc(checkpointCalm/2, c.committed)
		if !c.calm() {
			t.Fatal("it is to stop")
		}
		if took := time.Since(began); took != 3*checkpointCalm/2 {
			t.Errorf("it waited for %v, want until %v after the last commit", took, checkpointCalm)
		}

		began = time.Now()
		c.committed()
		done := make(chan struct{})
		go func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(checkpointCalm / 4):
					c.committed()
				}
			}
		}()
		calm := c.calm()
		close(done)
		if took := time.Since(began); !calm || took < checkpointMost || took > checkpointMost+checkpointCalm {
			t.Errorf("calm %v after %v, want no longer than about %v", calm, took, checkpointMost)
		}

		c.committed()
		time.AfterFunc(checkpointCalm/2, func() { close(c.stop) })
		if c.calm() {
			t.Error("it goes on although it is to stop")
		}
	})
}
