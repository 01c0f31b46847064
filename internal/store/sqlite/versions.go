package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

// beginVersions puts entries into the head from a run on, in their order.
func beginVersions(ctx context.Context, tx *sql.Tx, run register.Run, versions []version) error {
	begin := newBeginning(tx, run)
	defer begin.close()
	for _, v := range versions {
		if err := begin.add(ctx, v); err != nil {
			return err
		}
	}
	return begin.flush(ctx)
}

// beginning puts entries into the head from a run on, many with one statement.
type beginning struct {
	tx   *sql.Tx
	run  register.Run
	full *sql.Stmt // inserts versionRows; nil before the first time
	args []any     // of those that wait
	rows int       // that wait
}

func newBeginning(tx *sql.Tx, run register.Run) *beginning { return &beginning{tx: tx, run: run} }

// add takes one entry, which is in the head after the next flush at the latest.
func (b *beginning) add(ctx context.Context, v version) error {
	fields, err := fieldsText(v.entry.Fields)
	if err != nil {
		return err
	}
	b.args = append(b.args, b.run.Register, string(v.entry.Key), v.entry.Key.ID(b.run.Register), v.entry.Content[:],
		fields, micros(v.firstSeen), int64(b.run.ID), micros(b.run.ObservedAt))
	if b.rows++; b.rows < versionRows {
		return nil
	}
	if b.full == nil {
		if b.full, err = b.tx.PrepareContext(ctx, insertVersions(versionRows)); err != nil {
			return err
		}
	}
	_, err = b.full.ExecContext(ctx, b.args...)
	return b.inserted(err)
}

// flush inserts what waits.
func (b *beginning) flush(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	_, err := b.tx.ExecContext(ctx, insertVersions(b.rows), b.args...)
	return b.inserted(err)
}

func (b *beginning) inserted(err error) error {
	if err != nil {
		return fmt.Errorf("insert %d entries from %s on: %w", b.rows, b.args[1], err)
	}
	b.args, b.rows = b.args[:0], 0
	return nil
}

func (b *beginning) close() {
	if b.full != nil {
		b.full.Close()
	}
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
