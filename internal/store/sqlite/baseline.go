package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
)

// bulkEntries is how many entries a baseline has brought when it pays to make
// the indexes anew at its end, rather than to keep them with every entry.
const bulkEntries = 50_000

// loosens says which part of a baseline's entries, one of so many, is put in when the
// indexes are there. An index that was made at once has full pages, of which a change
// splits one with each entry; some entries per thousand split most of them before.
const loosens = 512

// setBaseline puts the entries of a baseline into the head, in their order, and
// counts them.
func (w *work) setBaseline(ctx, canceled context.Context) error {
	if w.commit.Baseline == nil {
		return nil
	}
	before, err := lastVersion(ctx, w.tx)
	if err != nil {
		return err
	}
	begin, err := newBeginning(ctx, w)
	if err != nil {
		return err
	}
	defer begin.insert.Close()
	var dropped indexes
	var last []version // not put into the head yet
	for e, err := range w.commit.Baseline {
		if err != nil {
			return fmt.Errorf("read entry %d of the baseline: %w", w.run.Entries+1, err)
		}
		last = append(last, version{e, w.run.ObservedAt})
		if w.run.Entries++; w.run.Entries == max(bulkEntries, int(before)) {
			if dropped, err = dropIndexes(ctx, w.tx); err != nil {
				return err
			}
		}
		if len(last) > w.run.Entries/loosens {
			if err := begin.add(ctx, last[0]); err != nil {
				return err
			}
			last = last[1:]
		}
	}
	if err := w.conclude(); err != nil {
		return err
	}
	if err := dropped.create(canceled, w.tx); err != nil {
		return err
	}
	for _, v := range last {
		if err := begin.add(ctx, v); err != nil {
			return err
		}
	}
	return completeRun(ctx, w.tx, w.run)
}

// conclude has the commit completed whose baseline was read.
func (w *work) conclude() error {
	w.head.Entries = w.run.Entries
	if w.commit.Conclude == nil {
		return nil
	}
	if err := cmp.Or(w.commit.Conclude(&w.commit), acceptable(w.commit)); err != nil {
		return fmt.Errorf("conclude the baseline: %w", err)
	}
	id := w.run.ID
	w.run = exactRun(w.commit.Run)
	w.run.ID, w.run.Entries, w.run.Waiting = id, w.head.Entries, len(w.commit.Memory.Missing)
	return nil
}

// lastVersion gives the id of the last version, which is about how many there
// are; 0 where there is none.
func lastVersion(ctx context.Context, q querier) (id int64, err error) {
	if err := q.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM versions`).Scan(&id); err != nil {
		return 0, fmt.Errorf("look for the last entry: %w", err)
	}
	return id, nil
}

// indexes are those of the table of versions while they are dropped, by name.
type indexes map[string]string

// dropIndexes drops the indexes of the table of versions until the transaction
// makes them again: sorted at once, they take a third of the time that entries
// in no order take one by one, and hardly any of the page cache.
func dropIndexes(ctx context.Context, tx *sql.Tx) (indexes, error) {
	dropped := indexes{}
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var name, create string
		err := rows.Scan(&name, &create)
		dropped[name] = create
		return err
	}, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'versions'`)
	for name := range dropped {
		if err == nil {
			_, err = tx.ExecContext(ctx, `DROP INDEX `+name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("drop the indexes of entries: %w", err)
	}
	return dropped, nil
}

// create makes the indexes again. Here an entry that came twice is found.
func (d indexes) create(ctx context.Context, tx *sql.Tx) error {
	for name, create := range d {
		if _, err := tx.ExecContext(ctx, create); err != nil {
			return fmt.Errorf("make index %s of entries: %w", name, err)
		}
	}
	return nil
}
