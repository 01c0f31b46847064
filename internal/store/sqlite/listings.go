package sqlite

import (
	"context"
	"database/sql"
	"fmt"
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
		head, err := knownAt(ctx, tx, registerID, at)
		if err != nil {
			return err
		}
		seen := head.SeenAt
		if !at.IsZero() {
			if seen, err = lastSighting(ctx, tx, registerID, at.Add(time.Microsecond)); err != nil {
				return fmt.Errorf("read %s as of %s: %w", registerID, stamp(at), err)
			}
		}
		present := newPresence(head, seen, at)
		query, args := asOf(registerID, at)
		return each(ctx, tx, func(rows *sql.Rows) error {
			l, err := scanListing(rows)
			if err != nil {
				return fmt.Errorf("read %s as of %s: %w", registerID, stamp(at), err)
			}
			present.mark(&l)
			return yield(l)
		}, query, args...)
	})
}

// asOf gives the statement for the versions of an instant: those of the head
// that had begun, and the ended ones around it.
func asOf(registerID string, at time.Time) (query string, args []any) {
	versions := `SELECT ` + listingColumns + ` FROM versions WHERE register = ` + ofRegister
	head, ended := versions+` AND to_run IS NULL`, versions+` AND to_run IS NOT NULL`
	if at.IsZero() {
		return head + ` ORDER BY id`, []any{registerID}
	}
	return head + ` AND from_at <= ? UNION ALL ` + ended + ` AND from_at <= ? AND to_at > ? ORDER BY id`,
		[]any{registerID, micros(at), registerID, micros(at), micros(at)}
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
