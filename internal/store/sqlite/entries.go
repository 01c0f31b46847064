package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

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

// ofRegister is the number of a register in the table of versions.
const ofRegister = `(SELECT number FROM registers WHERE id = ?)`

// headEntries selects the entries of a head.
const headEntries = `SELECT key, content, fields FROM versions WHERE register = ` + ofRegister + ` AND to_run IS NULL`

func scanEntry(row interface{ Scan(...any) error }) (register.Entry, error) {
	var e register.Entry
	err := row.Scan(&e.Key, content{&e.Content}, document{&e.Fields})
	return e, err
}

// HeadEntries gives the entries that are believed now, in the order in which
// they joined the history; none, without an error, before the baseline.
func (s *Store) HeadEntries(ctx context.Context, registerID string) ([]register.Entry, error) {
	var entries []register.Entry
	err := s.EachHeadEntry(ctx, registerID, func(e register.Entry) error {
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// EachHeadEntry yields the entries that are believed now, in the order in which
// they joined the history; none, without an error, before the baseline. It keeps
// none of them in memory.
func (s *Store) EachHeadEntry(ctx context.Context, registerID string, yield func(register.Entry) error) error {
	return each(ctx, s.read, func(rows *sql.Rows) error {
		e, err := scanEntry(rows)
		if err != nil {
			return fmt.Errorf("read head entries of %s: %w", registerID, err)
		}
		return yield(e)
	}, headEntries+` ORDER BY id`, registerID)
}

// HeadEntriesOf gives those entries of the head that have these identities (see
// [register.Entry.Identity]), in the order of the identities; one that is not in
// the head is left out. It is no snapshot: when a commit comes between, some may be of
// the head before it and some of the one after it. What is judged by them is refused
// then, see [Store.Commit].
func (s *Store) HeadEntriesOf(ctx context.Context, registerID string, identities []register.Hash) ([]register.Entry, error) {
	chunks := slices.Collect(slices.Chunk(identities, headEntriesAtOnce))
	found := make([][]register.Entry, len(chunks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(headEntriesReaders)
	for i, some := range chunks {
		group.Go(func() (err error) {
			found[i], err = headEntriesByIdentity(ctx, s.read, registerID, some)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("read entries of %s: %w", registerID, err)
	}
	return slices.Concat(found...), nil
}

// headEntriesAtOnce is how many entries of a head one statement asks for, and
// headEntriesReaders how many statements ask at a time.
const (
	headEntriesAtOnce  = 200
	headEntriesReaders = 2
)

func headEntriesByIdentity(ctx context.Context, q querier, registerID string, identities []register.Hash) (entries []register.Entry, err error) {
	args := make([]any, 0, 1+len(identities))
	args = append(args, registerID)
	for _, id := range identities {
		args = append(args, id[:])
	}
	found := make(map[register.Hash]register.Entry, len(identities))
	err = each(ctx, q, func(rows *sql.Rows) error {
		e, err := scanEntry(rows)
		found[e.Identity()] = e
		return err
	}, headEntries+` AND identity IN (`+marks(len(identities))+`)`, args...)
	for _, id := range identities {
		if e, there := found[id]; there {
			entries = append(entries, e)
		}
	}
	return entries, err
}

// EntriesOf gives those entries of the head that the references name by key and
// content, in their order; what is not in the head is left out.
func (s *Store) EntriesOf(ctx context.Context, registerID string, refs []register.Missing) ([]register.Entry, error) {
	identities := make([]register.Hash, len(refs))
	for i, ref := range refs {
		identities[i] = register.Entry{Key: ref.Key, Content: ref.Content}.Identity()
	}
	return s.HeadEntriesOf(ctx, registerID, identities)
}

// periodKeys is how many keys one statement asks for.
const periodKeys = 200

// Periods gives the earlier listings of these keys that have ended, oldest
// first; a key without any is absent. A listing goes on while any entry of the
// key is in the head, whatever its content: a change of content ends nothing.
func (s *Store) Periods(ctx context.Context, registerID string, keys []register.Key) (map[register.Key][]register.Period, error) {
	periods := map[register.Key][]register.Period{}
	for batch := range slices.Chunk(keys, periodKeys) {
		args := make([]any, 0, 1+len(batch))
		args = append(args, registerID)
		for _, key := range batch {
			args = append(args, entryNumber(key.Hash(registerID)))
		}
		spans := map[register.Key][]span{}
		err := each(ctx, s.read, func(rows *sql.Rows) error {
			var key register.Key
			var v span
			err := rows.Scan(&key, instant{&v.firstSeen}, instant{&v.from}, instant{&v.to})
			spans[key] = append(spans[key], v)
			return err
		}, periodsOf(len(batch)), args...)
		if err != nil {
			return nil, fmt.Errorf("read earlier listings of %s: %w", registerID, err)
		}
		for _, key := range batch {
			if ended := endedPeriods(spans[key]); len(ended) > 0 {
				periods[key] = ended
			}
		}
	}
	return periods, nil
}

// periodsOf gives the statement for the versions of n keys, oldest first.
func periodsOf(n int) string {
	return `SELECT key, first_seen, from_at, to_at FROM versions
		WHERE register = ` + ofRegister + ` AND entry IN (` + marks(n) + `) ORDER BY from_at, id`
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
