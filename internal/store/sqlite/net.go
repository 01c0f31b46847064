package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Net yields what is different between a register as it stood at one instant
// and as it stood at a later one, in the order of the keys: entries that are
// there at one only, as added and removed, and pairs of them that share a key,
// as changed. What came and went in between is not told. Errors are those of
// [Store.AsOf].
func (s *Store) Net(ctx context.Context, registerID string, from, to time.Time, yield func(register.Accepted) error) error {
	if to.Before(from) {
		return fmt.Errorf("compare %s: %s is before %s: give the earlier instant first", registerID, stamp(to), stamp(from))
	}
	gone, come := map[identity]register.Entry{}, map[identity]register.Entry{}
	err := s.view(ctx, func(tx *sql.Tx) error {
		if _, err := knownAt(ctx, tx, registerID, from); err != nil {
			return err
		}
		if err := collect(ctx, tx, gone, `from_at <= ? AND to_at > ? AND to_at <= ?`, registerID, from, from, to); err != nil {
			return err
		}
		return collect(ctx, tx, come, `from_at > ? AND from_at <= ? AND (to_at IS NULL OR to_at > ?)`, registerID, from, to, to)
	})
	if err != nil {
		return err
	}
	for id := range gone { // it left, and came back as it was
		if _, back := come[id]; back {
			delete(gone, id)
			delete(come, id)
		}
	}
	return pairByKey(sorted(gone), sorted(come), yield)
}

// collect reads the versions of a register that meet a condition over three
// instants.
func collect(ctx context.Context, tx *sql.Tx, into map[identity]register.Entry, condition, registerID string, a, b, c time.Time) error {
	err := each(ctx, tx, func(rows *sql.Rows) error {
		l, err := scanListing(rows)
		into[identity{l.Key, l.Content}] = l.Entry
		return err
	}, `SELECT `+listingColumns+` FROM versions WHERE register = `+ofRegister+` AND `+condition, registerID, micros(a), micros(b), micros(c))
	if err != nil {
		return fmt.Errorf("compare %s: %w", registerID, err)
	}
	return nil
}

func sorted(entries map[identity]register.Entry) []register.Entry {
	return slices.SortedFunc(maps.Values(entries), func(a, b register.Entry) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), slices.Compare(a.Content[:], b.Content[:]))
	})
}

// pairByKey walks two sorted lists side by side.
func pairByKey(gone, come []register.Entry, yield func(register.Accepted) error) error {
	for len(gone)+len(come) > 0 {
		var difference register.Accepted
		switch {
		case len(come) == 0 || len(gone) > 0 && gone[0].Key < come[0].Key:
			difference = register.Accepted{Kind: register.Removed, Before: &gone[0]}
			gone = gone[1:]
		case len(gone) == 0 || come[0].Key < gone[0].Key:
			difference = register.Accepted{Kind: register.Added, After: &come[0]}
			come = come[1:]
		default:
			difference = register.Accepted{Kind: register.Changed, Before: &gone[0], After: &come[0]}
			gone, come = gone[1:], come[1:]
		}
		if err := yield(difference); err != nil {
			return err
		}
	}
	return nil
}
