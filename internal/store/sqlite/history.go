package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Entry gives the life of the entries of one key: every content for its time,
// and every change. [register.ErrNotFound] is in the error's chain if the
// register never showed the key.
func (s *Store) Entry(ctx context.Context, registerID string, key register.Key) (register.EntryHistory, error) {
	return s.EntryByID(ctx, registerID, key.ID(registerID))
}

// EntryByID is [Store.Entry] by the id that names the key in URLs and events.
func (s *Store) EntryByID(ctx context.Context, registerID, entryID string) (register.EntryHistory, error) {
	history := register.EntryHistory{Register: registerID, ID: entryID}
	err := s.view(ctx, func(tx *sql.Tx) error {
		head, err := readHead(ctx, tx, registerID)
		if err != nil {
			return err
		}
		if history.Listings, err = readListings(ctx, tx, head, entryID); err != nil {
			return err
		}
		if len(history.Listings) == 0 {
			return register.ErrNotFound
		}
		history.Key = history.Listings[len(history.Listings)-1].Key
		history.Changes, err = readChanges(ctx, tx, ` WHERE entry_id = ? OR register = ? AND previous_key = ? ORDER BY cursor`,
			entryID, registerID, string(history.Key))
		return err
	})
	if err != nil {
		return register.EntryHistory{}, fmt.Errorf("read entry %s of %s: %w", entryID, registerID, err)
	}
	return history, nil
}

// readListings gives the versions of an entry, oldest first.
func readListings(ctx context.Context, tx *sql.Tx, head register.Head, entryID string) ([]register.Listing, error) {
	hash, ok := register.ParseID(entryID)
	if !ok {
		return nil, nil
	}
	var listings []register.Listing
	err := each(ctx, tx, func(rows *sql.Rows) error {
		l, err := scanListing(rows)
		if l.Key.Hash(head.Register) == hash {
			listings = append(listings, l)
		}
		return err
	}, `SELECT `+listingColumns+` FROM versions WHERE register = `+ofRegister+` AND entry = ? ORDER BY from_at, id`,
		head.Register, entryNumber(hash))
	if err != nil {
		return nil, err
	}
	present := newPresence(head, head.SeenAt, time.Time{})
	for i := range listings {
		l := &listings[i]
		if l.To == nil {
			present.mark(l)
			continue
		}
		seen, err := lastSighting(ctx, tx, head.Register, *l.To)
		if err != nil {
			return nil, err
		}
		l.LastSeen = later(l.From, seen)
	}
	return listings, nil
}
