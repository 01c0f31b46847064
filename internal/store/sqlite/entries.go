package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// content reads a column of 16 bytes into a hash.
type content struct{ to *register.Hash }

// Scan implements [sql.Scanner].
func (c content) Scan(value any) error {
	b, ok := value.([]byte)
	if !ok || len(b) != len(c.to) {
		return fmt.Errorf("column of a hash holds %T of other size", value)
	}
	copy(c.to[:], b)
	return nil
}

// HeadEntries gives the entries that are believed now, in the order of key and
// content; none, without an error, before the baseline.
func (s *Store) HeadEntries(ctx context.Context, registerID string) ([]register.Entry, error) {
	var entries []register.Entry
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var e register.Entry
		err := rows.Scan(&e.Key, content{&e.Content}, document{&e.Fields})
		entries = append(entries, e)
		return err
	}, `SELECT key, content, fields FROM versions WHERE register = ? AND to_run IS NULL ORDER BY key, content`, registerID)
	if err != nil {
		return nil, fmt.Errorf("read head entries of %s: %w", registerID, err)
	}
	return entries, nil
}

// EachHeadEntry yields the entries that are believed now, in the order of key
// and content; none, without an error, before the baseline. It keeps none of
// them in memory.
func (s *Store) EachHeadEntry(ctx context.Context, registerID string, yield func(register.Entry) error) error {
	return each(ctx, s.read, func(rows *sql.Rows) error {
		var e register.Entry
		if err := rows.Scan(&e.Key, content{&e.Content}, document{&e.Fields}); err != nil {
			return fmt.Errorf("read head entries of %s: %w", registerID, err)
		}
		return yield(e)
	}, `SELECT key, content, fields FROM versions WHERE register = ? AND to_run IS NULL ORDER BY key, content`, registerID)
}

// HeadEntriesOf gives those entries of the head that have these identities (see
// [register.Entry.Identity]), in the order of the identities; one that is not in
// the head is left out.
func (s *Store) HeadEntriesOf(ctx context.Context, registerID string, identities []register.Hash) ([]register.Entry, error) {
	wanted := make(map[register.Hash]*register.Entry, len(identities))
	for _, id := range identities {
		wanted[id] = nil
	}
	err := s.EachHeadEntry(ctx, registerID, func(e register.Entry) error {
		if id := e.Identity(); len(wanted) > 0 {
			if _, named := wanted[id]; named {
				wanted[id] = &e
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var entries []register.Entry
	for _, id := range identities {
		if e := wanted[id]; e != nil {
			entries = append(entries, *e)
		}
	}
	return entries, nil
}

// EntriesOf gives those entries of the head that the references name by key and
// content, in their order; what is not in the head is left out.
func (s *Store) EntriesOf(ctx context.Context, registerID string, refs []register.Missing) ([]register.Entry, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var entries []register.Entry
	err := s.view(ctx, func(tx *sql.Tx) error {
		find, err := tx.PrepareContext(ctx, `
			SELECT fields FROM versions WHERE register = ? AND key = ? AND content = ? AND to_run IS NULL`)
		if err != nil {
			return err
		}
		defer find.Close()
		for _, ref := range refs {
			e := register.Entry{Key: ref.Key, Content: ref.Content}
			err := find.QueryRowContext(ctx, registerID, string(ref.Key), ref.Content[:]).Scan(document{&e.Fields})
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read entries of %s: %w", registerID, err)
	}
	return entries, nil
}

// periodKeys is how many keys one statement asks for.
const periodKeys = 200

// Periods gives the earlier listings of these keys that have ended, oldest
// first; a key without any is absent. A listing goes on while any entry of the
// key is in the head, whatever its content: a change of content ends nothing.
func (s *Store) Periods(ctx context.Context, registerID string, keys []register.Key) (map[register.Key][]register.Period, error) {
	periods := map[register.Key][]register.Period{}
	for batch := range slices.Chunk(keys, periodKeys) {
		args := make([]any, 0, len(batch))
		for _, key := range batch {
			args = append(args, key.ID(registerID))
		}
		spans := map[register.Key][]span{}
		err := each(ctx, s.read, func(rows *sql.Rows) error {
			var key register.Key
			var v span
			err := rows.Scan(&key, instant{&v.firstSeen}, instant{&v.from}, instant{&v.to})
			spans[key] = append(spans[key], v)
			return err
		}, `SELECT key, first_seen, from_at, to_at FROM versions WHERE entry_id IN (`+marks(len(batch))+`) ORDER BY from_at, id`, args...)
		if err != nil {
			return nil, fmt.Errorf("read earlier listings of %s: %w", registerID, err)
		}
		for key, versions := range spans {
			if ended := endedPeriods(versions); len(ended) > 0 {
				periods[key] = ended
			}
		}
	}
	return periods, nil
}

// span is the time of one version; to is zero while it lasts.
type span struct{ firstSeen, from, to time.Time }

// follows reports whether the version goes on with a listing that lasts until
// an instant.
func (s span) follows(end time.Time) bool {
	return s.from.Before(end) || s.from.Equal(end) && s.firstSeen.Before(s.from)
}

// endedPeriods joins versions, given in the order of their beginnings, that
// follow each other without a gap, and leaves out the last one if it lasts. A
// version that was first seen when another ended is a listing of its own: the
// register itself said that one ended and one began.
func endedPeriods(versions []span) []register.Period {
	var periods []register.Period
	for i := 0; i < len(versions); {
		period := register.Period{From: versions[i].firstSeen, To: versions[i].to}
		lasts := versions[i].to.IsZero()
		for i++; i < len(versions) && (lasts || versions[i].follows(period.To)); i++ {
			lasts = lasts || versions[i].to.IsZero()
			if versions[i].to.After(period.To) {
				period.To = versions[i].to
			}
		}
		if !lasts {
			periods = append(periods, period)
		}
	}
	return periods
}
