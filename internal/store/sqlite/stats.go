package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Stats counts what the store holds.
func (s *Store) Stats(ctx context.Context) (register.StoreStats, error) {
	stats := register.StoreStats{Deliveries: map[register.DeliveryState]int64{}}
	err := s.view(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT
			(SELECT count(*) FROM (SELECT register FROM heads UNION SELECT register FROM register_state)),
			(SELECT count(*) FROM runs),
			(SELECT coalesce(sum(entries), 0) FROM heads),
			(SELECT count(*) FROM versions),
			(SELECT count(*) FROM changes),
			(SELECT count(*) FROM outbox WHERE published_at IS NULL),
			(SELECT count(*) FROM outbox WHERE routed_at IS NULL)`).
			Scan(&stats.Registers, &stats.Runs, &stats.Entries, &stats.Versions, &stats.Changes, &stats.Unpublished, &stats.Unrouted)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var state register.DeliveryState
			var n int64
			err := rows.Scan(&state, &n)
			stats.Deliveries[state] = n
			return err
		}, `SELECT state, count(*) FROM deliveries GROUP BY state`)
	})
	if err != nil {
		return register.StoreStats{}, fmt.Errorf("count what the store holds: %w", err)
	}
	last, err := lastVersion(ctx, s.read)
	if err != nil {
		return register.StoreStats{}, err
	}
	indexed, err := indexedBlocks(ctx, s.read)
	if err != nil {
		return register.StoreStats{}, fmt.Errorf("count what is indexed: %w", err)
	}
	stats.Unindexed = last - min(last, indexed<<blockBits)
	for _, file := range []string{s.path, s.path + "-wal", s.path + "-shm"} {
		// The file is not opened: closing it again would drop SQLite's locks on it.
		if info, err := os.Stat(file); err == nil {
			stats.Bytes += info.Size()
		}
	}
	return stats, nil
}

// Backlog tells what waits. It reads nothing but what waits and the heads.
func (s *Store) Backlog(ctx context.Context) (register.Backlog, error) {
	b := register.Backlog{Seen: map[string]time.Time{}}
	err := s.view(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT
			(SELECT count(*) FROM outbox WHERE published_at IS NULL),
			(SELECT count(*) FROM outbox WHERE routed_at IS NULL),
			(SELECT count(*) FROM deliveries WHERE state = 'pending'),
			(SELECT count(*) FROM deliveries WHERE state = 'dead')`).Scan(&b.Unpublished, &b.Unrouted, &b.Pending, &b.Dead)
		if err != nil {
			return err
		}
		return each(ctx, tx, func(rows *sql.Rows) error {
			var id string
			var at time.Time
			err := rows.Scan(&id, instant{&at})
			b.Seen[id] = at
			return err
		}, `SELECT register, seen_at FROM heads WHERE seen_at IS NOT NULL`)
	})
	if err != nil {
		return register.Backlog{}, fmt.Errorf("count what waits in the store: %w", err)
	}
	return b, nil
}

// Check looks for damage: in the file, and between what the tables say of each
// other. Its error names everything that was found. It reads the whole store.
func (s *Store) Check(ctx context.Context) error {
	var found []error
	err := s.view(ctx, func(tx *sql.Tx) error {
		report := func(rows *sql.Rows) error {
			var line string
			err := rows.Scan(&line)
			if line != "ok" {
				found = append(found, errors.New(line))
			}
			return err
		}
		for _, query := range checks {
			if err := each(ctx, tx, report, query); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(append(found, err)...); err != nil {
		return fmt.Errorf("check store %s: %w", s.path, err)
	}
	return nil
}

// checks give a line for each thing that is wrong; "ok" is none.
var checks = []string{
	`SELECT integrity_check FROM pragma_integrity_check`,
	`SELECT format('%s row %d refers to a row of %s that is not there', "table", rowid, parent) FROM pragma_foreign_key_check`,
	`SELECT format('%s: the head counts %d entries, %d are there', h.register, h.entries, count(v.id))
		FROM heads h LEFT JOIN registers r ON r.id = h.register LEFT JOIN versions v ON v.register = r.number AND v.to_run IS NULL
		GROUP BY h.register HAVING h.entries <> count(v.id)`,
	`SELECT format('%s: the sequence stands at %d, %d changes up to %d are there', h.register, h.sequence, count(c.sequence), max(c.sequence))
		FROM heads h LEFT JOIN changes c ON c.register = h.register AND c.sequence IS NOT NULL
		GROUP BY h.register HAVING h.sequence <> count(c.sequence) OR h.sequence <> coalesce(max(c.sequence), 0)`,
	`SELECT format('change %s was announced and is not in the outbox', c.id)
		FROM changes c WHERE c.sequence IS NOT NULL AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event = c.id)`,
	`SELECT format('the cursor stands at %d, the last change has %d', s.last, max(c.cursor))
		FROM change_cursor s LEFT JOIN changes c GROUP BY s.one HAVING s.last <> coalesce(max(c.cursor), 0)`,
}
