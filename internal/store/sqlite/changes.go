package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// changePage is how many changes are read at once while they are streamed.
const changePage = 500

const changeColumns = `cursor, id, register, sequence, kind, origin, run, entry_id, key, previous_key, before, after,
	first_seen, last_seen, missing_since, listed_on, delisted_on, observed_at, partial, earlier`

// scanChange reads a change without what it says by way of its run.
func scanChange(row interface{ Scan(...any) error }) (register.Change, error) {
	var c register.Change
	var sequence sql.NullInt64
	var previous sql.NullString
	err := row.Scan(&c.Cursor, &c.ID, &c.Register, &sequence, &c.Kind, &c.Origin, &c.Run, &c.EntryID, &c.Key, &previous,
		document{&c.Before}, document{&c.After}, instant{&c.FirstSeen}, instant{&c.LastSeen}, optional{&c.MissingSince},
		&c.ListedOn, &c.DelistedOn, instant{&c.ObservedAt}, &c.Partial, document{&c.EarlierPeriods})
	if sequence.Valid {
		c.Sequence = &sequence.Int64
	}
	if previous.Valid {
		key := register.Key(previous.String)
		c.PreviousKey = &key
	}
	return c, err
}

// Changes yields the changes that the filter names, in the order of their
// commits. It reads them in pages, so a slow yield holds up nobody, and a change
// that is committed meanwhile may be among them.
func (s *Store) Changes(ctx context.Context, filter register.ChangeFilter, yield func(register.Change) error) error {
	for left := filter.Limit; ; {
		page := changePage
		if filter.Limit > 0 {
			page = min(left, changePage)
		}
		changes, err := s.changesAfter(ctx, filter, page)
		if err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		for _, c := range changes {
			if err := yield(c); err != nil {
				return err
			}
			filter.AfterCursor = c.Cursor
		}
		left -= len(changes)
		if len(changes) < page || filter.Limit > 0 && left == 0 {
			return nil
		}
	}
}

func (s *Store) changesAfter(ctx context.Context, f register.ChangeFilter, n int) ([]register.Change, error) {
	var c conditions
	c.add(true, "cursor > ?", f.AfterCursor)
	c.add(f.Register != "", "register = ?", f.Register)
	c.add(!f.Since.IsZero(), "observed_at >= ?", micros(f.Since))
	c.add(!f.Until.IsZero(), "observed_at < ?", micros(f.Until))
	c.add(f.Kind != "", "kind = ?", f.Kind)
	c.add(f.Run != 0, "run = ?", int64(f.Run))
	c.add(f.Match != "", "instr(matched, ?) > 0", folded(f.Match))
	var changes []register.Change
	err := s.view(ctx, func(tx *sql.Tx) (err error) {
		changes, err = readChanges(ctx, tx, c.where()+` ORDER BY cursor LIMIT ?`, append(c.args, n)...)
		return err
	})
	return changes, err
}

// readChanges reads complete changes; tail is what follows the table's name.
func readChanges(ctx context.Context, q querier, tail string, args ...any) ([]register.Change, error) {
	var changes []register.Change
	err := each(ctx, q, func(rows *sql.Rows) error {
		c, err := scanChange(rows)
		changes = append(changes, c)
		return err
	}, `SELECT `+changeColumns+` FROM changes`+tail, args...)
	if err != nil {
		return nil, err
	}
	sources := map[register.RunID]source{}
	for i := range changes {
		id := changes[i].Run
		if _, known := sources[id]; !known {
			run, err := readRun(ctx, q, id)
			if err != nil {
				return nil, fmt.Errorf("run %s of change %s: %w", id, changes[i].ID, err)
			}
			sources[id] = sourceOf(run)
		}
		sources[id].complete(&changes[i])
	}
	return changes, nil
}

// Change gives one change; [register.ErrNotFound] in the error's chain if there
// is none of that id.
func (s *Store) Change(ctx context.Context, id string) (register.Change, error) {
	c, err := readChange(ctx, s.read, id)
	if err != nil {
		return register.Change{}, fmt.Errorf("read change %s: %w", id, err)
	}
	return c, nil
}

func readChange(ctx context.Context, q querier, id string) (register.Change, error) {
	changes, err := readChanges(ctx, q, ` WHERE id = ?`, id)
	if err == nil && len(changes) == 0 {
		err = register.ErrNotFound
	}
	if err != nil {
		return register.Change{}, err
	}
	return changes[0], nil
}

// emitChanges adds the changes to the log, and those that are announced to the
// outbox. It gives them their cursors.
func (w *work) emitChanges(ctx context.Context) error {
	if len(w.changes) == 0 {
		return nil
	}
	event, err := w.tx.PrepareContext(ctx, insertEvent)
	if err != nil {
		return err
	}
	defer event.Close()
	for i, c := range w.changes {
		if c.Sequence == nil {
			continue
		}
		added, err := event.ExecContext(ctx, c.ID, classChange, c.Register, *c.Sequence, nil, micros(w.at))
		if err != nil {
			return fmt.Errorf("put change %s into the outbox: %w", c.ID, err)
		}
		position, err := added.LastInsertId()
		if err != nil {
			return fmt.Errorf("put change %s into the outbox: %w", c.ID, err)
		}
		if len(w.events) < recentMost {
			w.events = append(w.events, register.Outgoing{
				ID: c.ID, Register: c.Register, Position: position, Sequence: *c.Sequence, Change: &w.changes[i], CommittedAt: w.at,
			})
		}
	}
	var last int64
	err = w.tx.QueryRowContext(ctx, `UPDATE change_cursor SET last = last + ? RETURNING last`, len(w.changes)).Scan(&last)
	if err != nil {
		return fmt.Errorf("take cursor: %w", err)
	}
	insert, err := w.tx.PrepareContext(ctx, `INSERT INTO changes (`+changeColumns+`, ordinal, matched) VALUES (`+marks(22)+`)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for i := range w.changes {
		w.changes[i].Cursor = last - int64(len(w.changes)-1-i)
		if err := insertChange(ctx, insert, i+1, w.changes[i]); err != nil {
			return fmt.Errorf("insert change %s: %w", w.changes[i].ID, err)
		}
	}
	return nil
}

func insertChange(ctx context.Context, insert *sql.Stmt, ordinal int, c register.Change) error {
	var previous, before, after any
	if c.PreviousKey != nil {
		previous = string(*c.PreviousKey)
	}
	var errs []error
	for _, side := range []struct {
		fields register.Values
		column *any
	}{{c.Before, &before}, {c.After, &after}} {
		if side.fields != nil {
			fields, err := fieldsText(side.fields)
			*side.column = fields
			errs = append(errs, err)
		}
	}
	earlier, err := text(c.EarlierPeriods)
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	var sequence any
	if c.Sequence != nil {
		sequence = *c.Sequence
	}
	_, err = insert.ExecContext(ctx, c.Cursor, c.ID, c.Register, sequence, c.Kind, c.Origin, int64(c.Run), c.EntryID,
		string(c.Key), previous, before, after, micros(c.FirstSeen), micros(c.LastSeen), microsOf(c.MissingSince),
		c.ListedOn, c.DelistedOn, micros(c.ObservedAt), c.Partial, earlier, ordinal, matched(c))
	return err
}

// matched is what a search looks in, a value on each line.
func matched(c register.Change) string {
	var b strings.Builder
	for _, value := range c.Key.Values() {
		b.WriteString(folded(value) + "\n")
	}
	for _, values := range []register.Values{c.Before, c.After} {
		for _, v := range values {
			b.WriteString(folded(v.Text) + "\n")
		}
	}
	return b.String()
}

func folded(s string) string { return strings.ToLower(register.Normalize(s)) }
