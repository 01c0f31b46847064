package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

const runColumns = `id, register, tick, "trigger", origin, started_at, observed_at, finished_at, outcome, partial,
	not_modified, class, reason, counts, entries, waiting, proof, read, pages, published_at, fingerprint,
	title, authority, country, attribution, url, sample`

func scanRun(row interface{ Scan(...any) error }) (register.Run, error) {
	var r register.Run
	err := row.Scan(&r.ID, &r.Register, instant{&r.Tick}, &r.Trigger, &r.Origin,
		instant{&r.StartedAt}, instant{&r.ObservedAt}, instant{&r.FinishedAt}, &r.Outcome, &r.Partial,
		&r.NotModified, &r.Class, &r.Reason, document{&r.Counts}, &r.Entries, &r.Waiting,
		document{&r.Proof}, document{&r.Read}, document{&r.Pages}, optional{&r.PublishedAt}, &r.Fingerprint,
		&r.Source.Title, &r.Source.Authority, &r.Source.Country, &r.Source.Attribution, &r.Source.URL,
		document{&r.Sample})
	return r, err
}

// isSighting reports whether a run saw its whole register.
func isSighting(r register.Run) bool {
	return r.Outcome != register.OutcomeFailed && r.Proof.Complete()
}

// runValues are the columns that a run is recorded in, save its id.
const runValues = `register, tick, "trigger", origin, started_at, observed_at, finished_at, outcome, sighting,
	partial, not_modified, class, reason, accepted, counts, entries, waiting, proof, read, pages, published_at,
	fingerprint, title, authority, country, attribution, url, sample`

func valuesOfRun(r register.Run) ([]any, error) {
	var documents [5]string
	for i, v := range []any{r.Counts, r.Proof, r.Read, r.Pages, r.Sample} {
		var err error
		if documents[i], err = text(v); err != nil {
			return nil, fmt.Errorf("encode run: %w", err)
		}
	}
	return []any{
		r.Register, micros(r.Tick), r.Trigger, r.Origin, micros(r.StartedAt), micros(r.ObservedAt), micros(r.FinishedAt),
		r.Outcome, isSighting(r), r.Partial, r.NotModified, r.Class, r.Reason, r.Counts.Total(), documents[0],
		r.Entries, r.Waiting, documents[1], documents[2], documents[3], microsOf(r.PublishedAt),
		r.Fingerprint, r.Source.Title, r.Source.Authority, r.Source.Country, r.Source.Attribution, r.Source.URL, documents[4],
	}, nil
}

// insertRun records a run and gives it its id.
func insertRun(ctx context.Context, tx *sql.Tx, r *register.Run) error {
	values, err := valuesOfRun(*r)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO runs (`+runValues+`) VALUES (`+marks(len(values))+`)`, values...)
	if err != nil {
		return fmt.Errorf("insert run: %w", err)
	}
	id, err := result.LastInsertId()
	r.ID = register.RunID(id)
	return err
}

// completeRun records of a run what only reading its baseline could tell.
func completeRun(ctx context.Context, tx *sql.Tx, r register.Run) error {
	values, err := valuesOfRun(r)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE runs SET (`+runValues+`) = (`+marks(len(values))+`) WHERE id = ?`, append(values, int64(r.ID))...)
	if err != nil {
		return fmt.Errorf("complete the run of the baseline: %w", err)
	}
	return nil
}

// RanAt reports whether a scheduled run of the register for that tick is
// recorded, so that a due message that comes again is not run again.
func (s *Store) RanAt(ctx context.Context, registerID string, tick time.Time) (bool, error) {
	ran, err := ranAt(ctx, s.read, registerID, tick)
	if err != nil {
		return false, fmt.Errorf("look for the run of %s at %s: %w", registerID, tick.UTC().Format(time.RFC3339), err)
	}
	return ran, nil
}

func ranAt(ctx context.Context, q querier, registerID string, tick time.Time) (ran bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM runs WHERE register = ? AND tick = ? AND "trigger" = 'schedule')`,
		registerID, micros(tick)).Scan(&ran)
	return ran, err
}

// LastAttempt gives when the last fetch of a register began that is recorded,
// whatever came of it; the zero time if there is none.
func (s *Store) LastAttempt(ctx context.Context, registerID string) (at time.Time, err error) {
	err = s.read.QueryRowContext(ctx,
		`SELECT started_at FROM runs WHERE register = ? AND "trigger" IN ('schedule', 'manual') ORDER BY id DESC LIMIT 1`,
		registerID).Scan(instant{&at})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("read last attempt of %s: %w", registerID, err)
	}
	return at, nil
}

// Run gives one run; [register.ErrNotFound] in the error's chain if there is
// none of that id.
func (s *Store) Run(ctx context.Context, id register.RunID) (register.Run, error) {
	run, err := readRun(ctx, s.read, id)
	if err != nil {
		return register.Run{}, fmt.Errorf("read run %s: %w", id, err)
	}
	return run, nil
}

func readRun(ctx context.Context, q querier, id register.RunID) (register.Run, error) {
	run, err := scanRun(q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE id = ?`, int64(id)))
	if errors.Is(err, sql.ErrNoRows) {
		err = register.ErrNotFound
	}
	return run, err
}

// Runs gives the runs that the filter names, newest first.
func (s *Store) Runs(ctx context.Context, filter register.RunFilter) ([]register.Run, error) {
	var c conditions
	c.add(filter.Register != "", "register = ?", filter.Register)
	c.add(filter.Held, "outcome = 'held'")
	var runs []register.Run
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		run, err := scanRun(rows)
		runs = append(runs, run)
		return err
	}, `SELECT `+runColumns+` FROM runs`+c.where()+` ORDER BY id DESC LIMIT ?`, append(c.args, limit(filter.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	return runs, nil
}

// lastSighting gives when the register was last seen whole before an instant;
// the zero time if it never was.
func lastSighting(ctx context.Context, q querier, registerID string, before time.Time) (seen time.Time, err error) {
	err = q.QueryRowContext(ctx, `SELECT max(observed_at) FROM runs WHERE register = ? AND sighting = 1 AND observed_at < ?`,
		registerID, micros(before)).Scan(instant{&seen})
	return seen, err
}
