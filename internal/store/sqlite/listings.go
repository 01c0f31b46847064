package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

const listingColumns = `key, content, fields, first_seen, from_at, to_at, id`

func scanListing(rows *sql.Rows) (register.Listing, error) {
	var l register.Listing
	var id int64
	err := rows.Scan(&l.Key, content{&l.Content}, document{&l.Fields}, instant{&l.FirstSeen}, instant{&l.From}, optional{&l.To}, &id)
	return l, err
}

// AsOf yields the register as it stood at an instant, in the order in which
// the entries joined the history: that of the fetches, and within a fetch that of
// the page. The zero time is now, so that it yields the head. An entry is
// listed from the first fetch that showed it until, and not including, the first
// complete fetch that did not. [register.ErrNotFound] is in the error's chain if
// the register is unknown, or nothing was known of it yet.
func (s *Store) AsOf(ctx context.Context, registerID string, at time.Time, yield func(register.Listing) error) error {
	return s.view(ctx, func(tx *sql.Tx) error {
		r, err := newReading(ctx, tx, registerID, at)
		if err != nil {
			return err
		}
		return r.between(ctx, 0, math.MaxInt64, yield)
	})
}

// reading reads a register as it stood at an instant, within a transaction.
type reading struct {
	tx      *sql.Tx
	head    register.Head
	at      time.Time // zero: now
	present presence
}

func newReading(ctx context.Context, tx *sql.Tx, registerID string, at time.Time) (reading, error) {
	head, err := knownAt(ctx, tx, registerID, at)
	if err != nil {
		return reading{}, err
	}
	seen := head.SeenAt
	if !at.IsZero() {
		if seen, err = lastSighting(ctx, tx, registerID, at.Add(time.Microsecond)); err != nil {
			return reading{}, fmt.Errorf("read %s as of %s: %w", registerID, stamp(at), err)
		}
	}
	return reading{tx, head, at, newPresence(head, seen, at)}, nil
}

// between yields the versions from one id on and before another.
func (r reading) between(ctx context.Context, from, before int64, yield func(register.Listing) error) error {
	query, args := asOf(r.head.Register, r.at, from, before)
	return each(ctx, r.tx, func(rows *sql.Rows) error { return r.yield(rows, yield) }, query, args...)
}

// theseIDs is how many versions one statement asks for.
const theseIDs = 200

// these yields those of the versions of these ids that are the register's.
func (r reading) these(ctx context.Context, ids []int64, yield func(register.Listing) error) error {
	at := micros(r.at)
	if r.at.IsZero() {
		at = int64(math.MaxInt64) // what is to come is after now too
	}
	for some := range slices.Chunk(ids, theseIDs) {
		args := []any{r.head.Register, at, at}
		for _, id := range some {
			args = append(args, id)
		}
		err := each(ctx, r.tx, func(rows *sql.Rows) error { return r.yield(rows, yield) }, theseListings(len(some)), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// theseListings gives the statement for n versions.
func theseListings(n int) string {
	return `SELECT ` + listingColumns + ` FROM versions
		WHERE register = ` + ofRegister + ` AND from_at <= ? AND (to_at IS NULL OR to_at > ?) AND id IN (` + marks(n) + `) ORDER BY id`
}

func (r reading) yield(rows *sql.Rows, yield func(register.Listing) error) error {
	l, err := scanListing(rows)
	if err != nil {
		return fmt.Errorf("read %s as of %s: %w", r.head.Register, stamp(r.at), err)
	}
	r.present.mark(&l)
	return yield(l)
}

// asOf gives the statement for the versions of an instant, of a range of ids:
// those of the head that had begun, and the ended ones around it.
func asOf(registerID string, at time.Time, from, before int64) (query string, args []any) {
	versions := `SELECT ` + listingColumns + ` FROM versions WHERE register = ` + ofRegister + ` AND id >= ? AND id < ?`
	head, ended := versions+` AND to_run IS NULL`, versions+` AND to_run IS NOT NULL`
	if at.IsZero() {
		return head + ` ORDER BY id`, []any{registerID, from, before}
	}
	return head + ` AND from_at <= ? UNION ALL ` + ended + ` AND from_at <= ? AND to_at > ? ORDER BY id`,
		[]any{registerID, from, before, micros(at), registerID, from, before, micros(at), micros(at)}
}

// knownAt gives the head of a register of which something was known at an
// instant (the zero time: now), or an error that says what is known.
func knownAt(ctx context.Context, q querier, registerID string, at time.Time) (register.Head, error) {
	head, err := readHead(ctx, q, registerID)
	if err != nil {
		return head, fmt.Errorf("read head of %s: %w", registerID, err)
	}
	if head.Version == 0 {
		return head, fmt.Errorf("register %s: %w: no run of it is recorded", registerID, register.ErrNotFound)
	}
	if !head.Baselined {
		return head, fmt.Errorf("register %s: %w: no fetch of it was complete so far", registerID, register.ErrNotFound)
	}
	var since time.Time
	err = q.QueryRowContext(ctx, `SELECT min(observed_at) FROM runs WHERE register = ? AND outcome = 'baseline'`,
		registerID).Scan(instant{&since})
	if err != nil {
		return head, fmt.Errorf("read baseline of %s: %w", registerID, err)
	}
	if !at.IsZero() && at.Before(since) {
		return head, fmt.Errorf("register %s at %s: %w: it is known since %s", registerID, stamp(at), register.ErrNotFound, stamp(since))
	}
	return head, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "now"
	}
	return t.UTC().Format(time.RFC3339)
}

// identity is what tells the entries of a head apart.
type identity struct {
	key     register.Key
	content register.Hash
}

// presence says of listings when they were last seen, and since when they are
// missing.
type presence struct {
	seen    time.Time // last complete fetch
	missing map[identity]register.Missing
}

// newPresence reads the head's memory as it applied at an instant; the zero
// time is now.
func newPresence(head register.Head, seen, at time.Time) presence {
	p := presence{seen: seen, missing: map[identity]register.Missing{}}
	for _, m := range head.Memory.Missing {
		if at.IsZero() || !m.Since.After(at) {
			p.missing[identity{m.Key, m.Content}] = m
		}
	}
	return p
}

// mark sets when a listing was last seen. An entry that only an incomplete
// fetch has shown was seen when it began.
func (p presence) mark(l *register.Listing) {
	l.LastSeen = later(l.From, p.seen)
	if l.To != nil {
		return
	}
	if m, missing := p.missing[identity{l.Key, l.Content}]; missing {
		since := exact(m.Since)
		l.MissingSince = &since
		if !m.LastSeen.IsZero() {
			l.LastSeen = exact(m.LastSeen)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
