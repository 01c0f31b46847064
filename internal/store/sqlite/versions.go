package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// versionRows is how many versions one statement inserts.
const versionRows = 50

// version is an entry that joins the head.
type version struct {
	entry     register.Entry
	firstSeen time.Time
}

// beginVersions puts entries into the head from a run on. They are written in
// the order of their keys, which is how they are read.
func beginVersions(ctx context.Context, tx *sql.Tx, run register.Run, begin []version) error {
	slices.SortStableFunc(begin, func(a, b version) int { return strings.Compare(string(a.entry.Key), string(b.entry.Key)) })
	var full *sql.Stmt
	for batch := range slices.Chunk(begin, versionRows) {
		args := make([]any, 0, len(batch)*8)
		for _, v := range batch {
			fields, err := fieldsText(v.entry.Fields)
			if err != nil {
				return err
			}
			args = append(args, run.Register, string(v.entry.Key), v.entry.Key.ID(run.Register), v.entry.Content[:],
				fields, micros(v.firstSeen), int64(run.ID), micros(run.ObservedAt))
		}
		if full == nil || len(batch) < versionRows {
			var err error
			if full, err = tx.PrepareContext(ctx, insertVersions(len(batch))); err != nil { //nolint:sqlclosecheck // closed below
				return err
			}
			defer full.Close() // at most two
		}
		if _, err := full.ExecContext(ctx, args...); err != nil {
			return fmt.Errorf("insert %d entries from %s on: %w", len(batch), batch[0].entry.Key, err)
		}
	}
	return nil
}

func insertVersions(n int) string {
	row := "(?, ?, ?, ?, ?, ?, ?, ?), "
	return `INSERT INTO versions (register, key, entry_id, content, fields, first_seen, from_run, from_at) VALUES ` +
		strings.TrimSuffix(strings.Repeat(row, n), ", ")
}

// fieldsText gives the column's value of an entry's fields, an object even
// where there are none.
func fieldsText(fields register.Values) (string, error) {
	b, err := fields.MarshalJSON()
	if fields == nil {
		return "{}", err
	}
	return string(b), err
}

// endVersion takes an entry out of the head at a run and instant, and gives
// since when it was listed.
func endVersion(ctx context.Context, tx *sql.Tx, registerID string, e register.Entry, run register.RunID, at time.Time) (firstSeen time.Time, err error) {
	err = tx.QueryRowContext(ctx, `
		UPDATE versions SET to_run = ?, to_at = ?
		WHERE register = ? AND key = ? AND content = ? AND to_run IS NULL RETURNING first_seen`,
		int64(run), micros(at), registerID, string(e.Key), e.Content[:]).Scan(instant{&firstSeen})
	if errors.Is(err, sql.ErrNoRows) {
		err = register.ErrNotFound
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("end entry %s with content %s of the head: %w", e.Key, e.Content, err)
	}
	return firstSeen, nil
}
