package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/regwatch/regwatch/register"
)

// version is an entry that joins the head.
type version struct {
	entry     register.Entry
	firstSeen time.Time
}

// numberRegister finds the register's number, or gives it one.
func (w *work) numberRegister(ctx context.Context) error {
	_, err := w.tx.ExecContext(ctx, `INSERT INTO registers (id) VALUES (?) ON CONFLICT (id) DO NOTHING`, w.run.Register)
	if err == nil {
		err = w.tx.QueryRowContext(ctx, `SELECT number FROM registers WHERE id = ?`, w.run.Register).Scan(&w.number)
	}
	if err != nil {
		return fmt.Errorf("number register: %w", err)
	}
	return nil
}

// beginVersions puts entries into the head from the run on, in their order.
func (w *work) beginVersions(ctx context.Context, versions []version) error {
	begin, err := newBeginning(ctx, w)
	if err != nil {
		return err
	}
	defer begin.insert.Close()
	for _, v := range versions {
		if err := begin.add(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// beginning puts entries into the head from a run on, in their order.
type beginning struct {
	insert *sql.Stmt
	run    register.Run
	number int64 // of the register
}

// newBeginning prepares to put entries into the head. A statement for each is
// quicker than one for many: SQLite keeps a journal to undo those in part.
func newBeginning(ctx context.Context, w *work) (beginning, error) {
	insert, err := w.tx.PrepareContext(ctx, `
		INSERT INTO versions (register, entry, identity, content, first_seen, from_run, from_at, key, fields)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	return beginning{insert, w.run, w.number}, err
}

// add puts one entry into the head.
func (b beginning) add(ctx context.Context, v version) error {
	fields, err := fieldsText(v.entry.Fields)
	if err != nil {
		return err
	}
	identity := v.entry.Identity()
	_, err = b.insert.ExecContext(ctx, b.number, entryNumber(v.entry.Key.Hash(b.run.Register)), identity[:], v.entry.Content[:],
		micros(v.firstSeen), int64(b.run.ID), micros(b.run.ObservedAt), string(v.entry.Key), fields)
	if isDouble(err) {
		err = register.ErrListed
	}
	if err != nil {
		return fmt.Errorf("insert entry %s: %w", v.entry.Key, err)
	}
	return nil
}

// isDouble reports whether a statement failed because a unique index has its
// values already.
func isDouble(err error) bool {
	failure, ok := errors.AsType[*sqlite.Error](err)
	return ok && failure.Code() == lib.SQLITE_CONSTRAINT_UNIQUE
}

// entryNumber gives the number by which the versions of a key are found. Two
// keys may share it, so whoever finds by it compares the key.
func entryNumber(h register.Hash) int64 { return int64(binary.BigEndian.Uint64(h[:])) }

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
func endVersion(ctx context.Context, end *sql.Stmt, number int64, e register.Entry, run register.RunID, at time.Time) (firstSeen time.Time, err error) {
	identity := e.Identity()
	err = end.QueryRowContext(ctx, int64(run), micros(at), number, identity[:]).Scan(instant{&firstSeen})
	if errors.Is(err, sql.ErrNoRows) {
		err = register.ErrNotFound
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("end entry %s with content %s of the head: %w", e.Key, e.Content, err)
	}
	return firstSeen, nil
}

// endOne is what endVersion runs.
const endOne = `UPDATE versions SET to_run = ?, to_at = ? WHERE register = ? AND identity = ? AND to_run IS NULL RETURNING first_seen`
