package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// shownKeys is how many keys an ambiguous name lists.
const shownKeys = 8

// Entry gives the life of the entries of one key. The key is given as the
// compact JSON array that the other commands show, as the entry's id, or as a
// text that leads to one key: all its values as shown, else one of its values,
// else a part of them.
func (a *App) Entry(ctx context.Context, id, key string) (register.EntryHistory, error) {
	if err := a.known(ctx, id); err != nil {
		return register.EntryHistory{}, err
	}
	if values := register.Key(key).Values(); values != nil {
		return a.entry(ctx, id, register.NewKey(values...))
	}
	for _, find := range []func() (register.EntryHistory, error){
		func() (register.EntryHistory, error) { return a.Store.Entry(ctx, id, register.NewKey(key)) },
		func() (register.EntryHistory, error) { return a.Store.EntryByID(ctx, id, key) },
	} {
		if history, err := find(); !errors.Is(err, register.ErrNotFound) {
			return history, err
		}
	}
	found, err := a.lookup(ctx, id, key)
	if err != nil {
		return register.EntryHistory{}, err
	}
	return a.entry(ctx, id, found)
}

func (a *App) entry(ctx context.Context, id string, key register.Key) (register.EntryHistory, error) {
	history, err := a.Store.Entry(ctx, id, key)
	if errors.Is(err, register.ErrNotFound) {
		return history, fmt.Errorf("%s never showed an entry with the key %s: %w; `regwatch asof %s --json` shows keys", id, key, register.ErrNotFound, id)
	}
	return history, err
}

// lookup finds the one key that a text means, among those that are listed and
// those that ever changed.
func (a *App) lookup(ctx context.Context, id, text string) (register.Key, error) {
	wanted := strings.ToLower(register.Normalize(text))
	var byRank [3]map[register.Key]bool // all values, one value, a part
	for i := range byRank {
		byRank[i] = map[register.Key]bool{}
	}
	note := func(key register.Key) {
		if rank, ok := likeness(key, wanted); ok {
			byRank[rank][key] = true
		}
	}
	err := a.Store.AsOf(ctx, id, time.Time{}, func(l register.Listing) error { note(l.Key); return nil })
	if err != nil && !errors.Is(err, register.ErrNotFound) {
		return "", err
	}
	err = a.Store.Changes(ctx, register.ChangeFilter{Register: id, Match: text}, func(c register.Change) error { note(c.Key); return nil })
	if err != nil {
		return "", err
	}
	for _, keys := range byRank {
		switch found := slices.Sorted(maps.Keys(keys)); len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return "", ambiguous(id, text, found)
		}
	}
	return "", fmt.Errorf("%s never showed an entry like %q: %w; `regwatch changes --register %s --match TEXT` searches every field", id, text, register.ErrNotFound, id)
}

// likeness ranks how well a key fits a text in lower case.
func likeness(key register.Key, wanted string) (rank int, ok bool) {
	shown := strings.ToLower(key.Display())
	if shown == wanted {
		return 0, true
	}
	for _, value := range key.Values() {
		if strings.ToLower(value) == wanted {
			return 1, true
		}
	}
	return 2, strings.Contains(shown, wanted)
}

func ambiguous(id, text string, found []register.Key) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%q means %d entries of %s; give one key:", text, len(found), id)
	for i, key := range found {
		if i == shownKeys {
			fmt.Fprintf(&b, "\n  and %d more", len(found)-shownKeys)
			break
		}
		fmt.Fprintf(&b, "\n  '%s'", key)
	}
	return errors.New(b.String())
}
