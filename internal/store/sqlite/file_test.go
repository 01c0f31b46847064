package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/register"
)

// TestOpenAtOnce opens a file that is not there yet many times at once, as the
// service and a command may.
func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	var opened sync.WaitGroup
	for range 8 {
		opened.Go(func() {
			store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := store.Pause(t.Context(), "cz-games"); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	opened.Wait()
	if err := open(t, path).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestOpenRefuses names the file and the reason.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	open(t, newer)
	raw(t, newer, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	for path, want := range map[string]string{
		text:                                "restore a backup",
		newer:                               "use a newer release",
		filepath.Join(dir, "none", "db.db"): "may write to the file",
		dir:                                 "unable to open",
	} {
		_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("open %s: %v, want %q", path, err, want)
		}
	}
}

// TestReadersDoNotWait reads while another process holds the write lock.
func TestReadersDoNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	store := open(t, path)
	c := commitOf("cz-games", 0, register.OutcomeBaseline)
	c.Baseline = register.All(companies(3))
	if _, _, err := store.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	db := rawDB(t, path)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{`BEGIN IMMEDIATE`, `DELETE FROM versions`} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := store.HeadEntries(t.Context(), "cz-games")
	if err != nil || len(entries) != 3 {
		t.Errorf("%d entries, %v; want the 3 that are committed", len(entries), err)
	}
	if _, err := db.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
}

// TestCheckFinds proves that what the check looks for would be found.
func TestCheckFinds(t *testing.T) {
	for statement, want := range map[string]string{
		`DELETE FROM versions WHERE id = 1`:                               "the head counts 4 entries, 3 are there",
		`UPDATE heads SET sequence = 5`:                                   "the sequence stands at 5, 1 changes up to 1 are there",
		`DELETE FROM outbox`:                                              "is not in the outbox",
		`UPDATE change_cursor SET last = 9`:                               "the cursor stands at 9, the last change has 1",
		`PRAGMA foreign_keys = OFF; UPDATE versions SET from_run = 77`:    "versions row 1 refers to a row of runs that is not there",
		`PRAGMA ignore_check_constraints = ON; UPDATE runs SET partial=7`: "CHECK constraint failed in runs",
	} {
		path := filepath.Join(t.TempDir(), "store.db")
		store := open(t, path)
		c := commitOf("cz-games", 0, register.OutcomeBaseline)
		c.Baseline = register.All(companies(3))
		if _, _, err := store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		c = commitOf("cz-games", 1, register.OutcomeChanged)
		e := company(4, "on")
		c.Accepted = []register.Accepted{{Kind: register.Added, After: &e}}
		if _, _, err := store.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := store.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		raw(t, path, statement)
		if err := store.Check(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v, want %q", statement, err, want)
		}
	}
}

// raw runs a statement behind the store's back.
func raw(t *testing.T, path, statement string) {
	t.Helper()
	if _, err := rawDB(t, path).ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func rawDB(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestReadyWrites refuses writes, as a full disk does: the store can still be
// read, and is not ready.
func TestReadyWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	store := open(t, path)
	if err := store.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	raw(t, path, `CREATE TRIGGER full BEFORE UPDATE ON leases BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
	if _, err := store.Stats(t.Context()); err != nil {
		t.Error(err)
	}
	if err := store.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("ready: %v", err)
	}
}

// TestLargeBaseline commits one so large that its indexes are made at its end:
// all of it is found by them, and an entry that comes twice is still an error.
func TestLargeBaseline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	store := open(t, path)
	first := commitOf("cz-first", 0, register.OutcomeBaseline)
	first.Baseline = register.All(companies(3))
	if _, _, err := store.Commit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	const n = 60_000
	entries := companies(n)
	twice := commitOf("cz-games", 0, register.OutcomeBaseline)
	twice.Baseline = register.All(slices.Insert(slices.Clone(entries), 55_000, entries[55_000]))
	if _, _, err := store.Commit(t.Context(), twice); err == nil || !strings.Contains(err.Error(), "versions_head") {
		t.Errorf("an entry came twice: %v", err)
	}
	for _, again := range []int{0, n - 1} {
		twice.Baseline = register.All(append(slices.Clip(entries), entries[again]))
		if _, _, err := store.Commit(t.Context(), twice); !errors.Is(err, register.ErrListed) {
			t.Errorf("entry %d came again at the end: %v", again, err)
		}
	}
	twice.Baseline = register.All(entries)
	run, _, err := store.Commit(t.Context(), twice)
	if err != nil || run.Entries != n {
		t.Fatalf("%d entries, %v", run.Entries, err)
	}
	for id, want := range map[string]int{"cz-games": 3, "cz-first": 1} {
		found, err := store.HeadEntriesOf(t.Context(), id, []register.Hash{entries[0].Identity(), entries[n/2].Identity(), entries[n-1].Identity()})
		if err != nil || len(found) != want {
			t.Errorf("%s: %d entries, %v", id, len(found), err)
		}
	}
	var names []string
	rows, err := rawDB(t, path).QueryContext(t.Context(), `SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'versions' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if want := []string{"versions_ended", "versions_entry", "versions_head", "versions_listed"}; rows.Err() != nil || !slices.Equal(names, want) {
		t.Errorf("indexes %v, %v; want %v", names, rows.Err(), want)
	}
	if err := store.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
