package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func openAlone(t *testing.T) *Store {
	t.Helper()
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestConnections asks both pools for what the promises of the package rest on.
func TestConnections(t *testing.T) {
	store := openAlone(t)
	for name, db := range map[string]*sql.DB{"writer": store.write, "reader": store.read} {
		want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "120000", "query_only": "0", "page_size": "8192"}
		if db == store.read {
			want["query_only"] = "1"
		} else {
			want["wal_autocheckpoint"] = longestJournal
		}
		for pragma, value := range want {
			var got string
			if err := db.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&got); err != nil || got != value {
				t.Errorf("%s of the %s: %s, %v; want %s", pragma, name, got, err, value)
			}
		}
	}
	if _, err := store.read.ExecContext(t.Context(), `DELETE FROM runs`); err == nil {
		t.Error("a reader can write")
	}
}

// TestPlans keeps the statements that run often, or over much, on their indexes.
func TestPlans(t *testing.T) {
	store := openAlone(t)
	now, _ := asOf("cz-games", time.Time{}, 0, 9)
	then, _ := asOf("cz-games", time.Unix(0, 0), 0, 9)
	indexOf := map[string]string{
		"head": "versions_listed", "as of": "versions_ended", "end version": "versions_head", "identity": "versions_head",
		"stream": "versions_listed", "periods": "versions_entry", "found": "PRIMARY KEY", "to index": "PRIMARY KEY",
	}
	for name, query := range map[string]string{
		"head":        now,
		"as of":       then,
		"end version": endOne,
		"identity":    headEntries + ` AND identity IN (?, ?)`,
		"stream":      headEntries + ` ORDER BY id`,
		"periods":     periodsOf(2),
		"found":       theseListings(2),
		"candidates":  placesOfPair,
		"to index":    blockEntries,
		"sighting":    `SELECT max(observed_at) FROM runs WHERE register = ? AND sighting = 1 AND observed_at < ?`,
		"known since": `SELECT min(observed_at) FROM runs WHERE register = ? AND outcome = 'baseline'`,
		"history":     `SELECT id FROM changes WHERE entry_id = ? OR register = ? AND previous_key = ? ORDER BY cursor`,
		"unpublished": `SELECT event FROM outbox WHERE published_at IS NULL AND position > ? ORDER BY position LIMIT ?`,
		"unrouted":    `SELECT event FROM outbox WHERE routed_at IS NULL AND committed_at < ? ORDER BY position LIMIT ?`,
		"due":         `SELECT id FROM deliveries WHERE channel = ? AND state = 'pending' AND next_attempt <= ? ORDER BY id LIMIT ?`,
		"next due":    `SELECT min(next_attempt) FROM deliveries WHERE state = 'pending'`,
		"last run":    `SELECT id FROM runs WHERE register = ? ORDER BY id DESC LIMIT 1`,
	} {
		var plan []string
		err := each(t.Context(), store.read, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			err := rows.Scan(&id, &parent, &unused, &detail)
			plan = append(plan, detail)
			return err
		}, `EXPLAIN QUERY PLAN `+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, step := range plan {
			scans := strings.HasPrefix(step, "SCAN ") && !strings.Contains(step, "USING INDEX")
			sorts := strings.Contains(step, "TEMP B-TREE") && name != "history" && name != "periods"
			if want := indexOf[name]; want != "" && !strings.Contains(strings.Join(plan, "; "), want) {
				t.Errorf("%s: %q, want %s", name, plan, want)
			}
			if scans || sorts {
				t.Errorf("%s: %q", name, plan)
			}
		}
	}
}
