package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// mostTrigrams bounds how many lists of places a search compares.
const mostTrigrams = 12

// manyCandidates is how many candidates of a block make it quicker to read
// through all of it.
const manyCandidates = 1 << blockBits / 8

// Find is [Store.AsOf] of the entries in whose key or fields a text stands;
// neither case nor how white space is written matters, and no character means
// anything but itself. It uses the index as far as [Store.IndexBlock] has made
// it, and reads through what is newer: only how long it takes depends on that.
func (s *Store) Find(ctx context.Context, registerID string, at time.Time, text string, yield func(register.Listing) error) error {
	wanted := folded(text)
	yieldMatch := func(l register.Listing) error {
		if !matches(l.Entry, wanted) {
			return nil
		}
		return yield(l)
	}
	return s.view(ctx, func(tx *sql.Tx) error {
		r, err := newReading(ctx, tx, registerID, at)
		if err != nil {
			return err
		}
		indexed, err := indexedBlocks(ctx, tx)
		if err != nil {
			return fmt.Errorf("search %s: %w", registerID, err)
		}
		if len(wanted) < trigramBytes || r.head.Entries < 1<<blockBits {
			indexed = 0 // reading through it is as quick
		}
		for block := range indexed {
			ids, err := candidates(ctx, tx, block, wanted)
			if err != nil {
				return fmt.Errorf("search %s: %w", registerID, err)
			}
			if len(ids) > manyCandidates {
				err = r.between(ctx, block<<blockBits, (block+1)<<blockBits, yieldMatch)
			} else {
				err = r.these(ctx, ids, yieldMatch)
			}
			if err != nil {
				return err
			}
		}
		return r.between(ctx, indexed<<blockBits, math.MaxInt64, yieldMatch)
	})
}

// candidates gives the versions of a block that may hold a text: those that hold
// all of its trigrams.
func candidates(ctx context.Context, q querier, block int64, text string) (ids []int64, err error) {
	var common []int
	for i, t := range telling(text) {
		var packed []byte
		err := q.QueryRowContext(ctx, placesOfPair, block, t.pair()).Scan(&packed)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		var distances []byte
		if err == nil {
			distances, err = unpack(packed, t)
		}
		var list []int
		if err == nil {
			list, err = readPlaces(distances)
		}
		if err != nil {
			return nil, err
		}
		if i > 0 {
			list = intersect(list, common)
		}
		if common = list; len(common) == 0 {
			return nil, nil
		}
	}
	for _, place := range common {
		ids = append(ids, block<<blockBits+int64(place))
	}
	return ids, nil
}

const placesOfPair = `SELECT places FROM search WHERE block = ? AND pair = ?`

// telling gives the trigrams of a text, not too many of a long one, from all
// over it.
func telling(text string) []trigram {
	all := slices.Collect(trigrams(text))
	var some []trigram
	step := max(1, (len(all)+mostTrigrams-1)/mostTrigrams)
	for i := 0; i < len(all); i += step {
		some = append(some, all[i])
	}
	slices.Sort(some)
	return slices.Compact(some)
}

// intersect keeps of a what is also in b; both are ascending.
func intersect(a, b []int) []int {
	kept := a[:0]
	for _, place := range a {
		for len(b) > 0 && b[0] < place {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == place {
			kept = append(kept, place)
		}
	}
	return kept
}
