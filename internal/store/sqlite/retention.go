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
// is one. So the last sighting of every head is among them.
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
// that last showed an entry which is missing now. It changes nothing.
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
		missing, err := missingSince(ctx, tx)
		if err != nil {
			return err
		}
		for m := range missing {
			err := each(ctx, tx, add, `SELECT pages FROM runs WHERE register = ? AND sighting = 1 AND id < ? ORDER BY id DESC LIMIT 1`,
				m.register, int64(m.run))
			if err != nil {
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

// absence is the first complete fetch of a register that lacked something.
type absence struct {
	register string
	run      register.RunID
}

func missingSince(ctx context.Context, q querier) (map[absence]bool, error) {
	missing := map[absence]bool{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		head, err := scanHead(rows)
		for _, m := range head.Memory.Missing {
			missing[absence{head.Register, m.Run}] = true
		}
		return err
	}, `SELECT `+headColumns+` FROM heads`)
	return missing, err
}
