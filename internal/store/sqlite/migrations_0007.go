package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/regwatch/regwatch/register"
)

// slimVersion is the number of the migration that slims the table of versions.
// SQL can not compute the SHA-256 of what it finds entries by, so it is in Go.
const slimVersion = 7

// slimSchema makes the table of versions anew, so that a million rows of it are
// quick to write: registers are numbers in it, and what is found in no order is
// in two indexes small enough for the page cache.
const slimSchema = `
CREATE TABLE registers (
    number INTEGER PRIMARY KEY,
    id     TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO registers (id) SELECT DISTINCT register FROM versions ORDER BY register;

ALTER TABLE versions RENAME TO wide_versions;

CREATE TABLE versions (
    id         INTEGER PRIMARY KEY, -- in the order in which they joined the history
    register   INTEGER NOT NULL REFERENCES registers (number),
    entry      INTEGER NOT NULL, -- first 8 bytes of what entry_id spells: keys may share it
    identity   BLOB    NOT NULL CHECK (length(identity) = 16), -- of key and content
    content    BLOB    NOT NULL CHECK (length(content) = 16),
    first_seen INTEGER NOT NULL,
    from_run   INTEGER NOT NULL REFERENCES runs (id),
    from_at    INTEGER NOT NULL,
    to_run     INTEGER REFERENCES runs (id),
    to_at      INTEGER,
    key        TEXT    NOT NULL,
    fields     TEXT    NOT NULL, -- JSON
    CHECK ((to_run IS NULL) = (to_at IS NULL))
) STRICT;
`

// slimIndexes are made when the rows are there, which is quicker.
const slimIndexes = `
DROP TABLE wide_versions;

CREATE UNIQUE INDEX versions_head ON versions (register, identity) WHERE to_run IS NULL;
CREATE INDEX versions_entry ON versions (entry);
CREATE INDEX versions_listed ON versions (register, id, from_at) WHERE to_run IS NULL;
CREATE INDEX versions_ended ON versions (register, id, from_at, to_at) WHERE to_run IS NOT NULL;
`

// slimPage is how many rows are moved at once.
const slimPage = 1000

func slimVersions(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, slimSchema); err != nil {
		return err
	}
	for last := int64(0); ; {
		moved, err := slimRows(ctx, tx, last)
		if err != nil {
			return fmt.Errorf("move entries after %d: %w", last, err)
		}
		if moved == 0 {
			break
		}
		last = moved
	}
	_, err := tx.ExecContext(ctx, slimIndexes)
	return err
}

// slimRows moves the rows after the last one that was moved, and gives the last
// of them; 0 where none was left.
func slimRows(ctx context.Context, tx *sql.Tx, after int64) (last int64, err error) {
	var rows []wideRow
	err = each(ctx, tx, func(r *sql.Rows) error {
		var w wideRow
		err := r.Scan(&w.id, &w.register, &w.number, &w.entry.Key, content{&w.entry.Content})
		rows = append(rows, w)
		return err
	}, `SELECT w.id, w.register, r.number, w.key, w.content FROM wide_versions w JOIN registers r ON r.id = w.register
		WHERE w.id > ? ORDER BY w.id LIMIT ?`, after, slimPage)
	if err != nil {
		return 0, err
	}
	move, err := tx.PrepareContext(ctx, `
		INSERT INTO versions (id, register, entry, identity, content, first_seen, from_run, from_at, to_run, to_at, key, fields)
		SELECT id, ?, ?, ?, content, first_seen, from_run, from_at, to_run, to_at, key, fields FROM wide_versions WHERE id = ?`)
	if err != nil {
		return 0, err
	}
	defer move.Close()
	for _, w := range rows {
		identity := w.entry.Identity()
		if _, err := move.ExecContext(ctx, w.number, entryNumber(w.entry.Key.Hash(w.register)), identity[:], w.id); err != nil {
			return 0, err
		}
		last = w.id
	}
	return last, nil
}

// wideRow is what of a row's text the new columns are made of.
type wideRow struct {
	id       int64
	register string
	number   int64
	entry    register.Entry
}
