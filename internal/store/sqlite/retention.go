package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

const microsPerDay = 24 * 60 * 60 * 1_000_000

// kept selects the pages of the runs whose bodies the archive must not lose: what
// an accepted change, a baseline or a held run rests on; what is younger than an
// instant; and of each register and UTC day the last run, a complete one if there
// is one.
const kept = `
	SELECT pages FROM runs
	WHERE accepted > 0 OR outcome IN ('baseline', 'held') OR started_at >= ?
		OR id IN (
			SELECT id FROM (
				SELECT id, row_number() OVER (
					PARTITION BY register, started_at / ? ORDER BY sighting DESC, id DESC) AS place
				FROM runs WHERE pages NOT IN ('null', '[]'))
			WHERE place = 1)`

// Keep gives the hashes of the bodies that the archive must not lose; all
// others may go. Bodies younger than keep are among them, and so are the pages
// that showed the entries of a head, also those that are missing now. It changes
// nothing.
func (s *Store) Keep(ctx context.Context, now time.Time, keep time.Duration) (map[string]bool, error) {
	hashes := map[string]bool{}
	add := func(rows *sql.Rows) error {
		var pages []register.Page
		if err := rows.Scan(document{&pages}); err != nil {
			return err
		}
		for _, p := range pages {
			if p.SHA256 != "" {
				hashes[p.SHA256] = true
			}
		}
		return nil
	}
	err := s.view(ctx, func(tx *sql.Tx) error {
		if err := each(ctx, tx, add, kept, now.Add(-keep).UnixMicro(), int64(microsPerDay)); err != nil {
			return err
		}
		runs, err := toBeReread(ctx, tx)
		if err != nil {
			return err
		}
		for id := range runs {
			if err := each(ctx, tx, add, `SELECT pages FROM runs WHERE id = ?`, int64(id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what the archive must keep: %w", err)
	}
	return hashes, nil
}

// toBeReread gives the runs on whose pages the entries of a head are, which are
// read again when the definition changes.
func toBeReread(ctx context.Context, q querier) (map[register.RunID]bool, error) {
	runs := map[register.RunID]bool{}
	note := func(ids ...register.RunID) {
		for _, id := range ids {
			runs[id] = true
		}
	}
	err := each(ctx, q, func(rows *sql.Rows) error {
		head, err := scanHead(rows)
		note(head.BelievedRun)
		note(head.Memory.Parts...)
		for _, m := range head.Memory.Missing {
			note(m.Seen)
			note(m.Parts...)
		}
		return err
	}, `SELECT `+headColumns+` FROM heads`)
	return runs, err
}
