package sqlite

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/regwatch/regwatch/register"
)

const (
	recentBytes = 4 << 20 // about, of all events
	recentEach  = 1 << 10 // what an event has besides
	recentMost  = recentBytes / recentEach
	periodBytes = 64
)

// recent holds events that were committed, or read for the first time, not long ago.
// The relay, the router and the senders ask for the same ones, moments after each
// other, and an event never changes once it is committed.
type recent struct {
	mu     sync.Mutex
	events map[string]recentEvent
	order  []string // their ids, the one that was read first at the beginning
	bytes  int
}

type recentEvent struct {
	register.Outgoing
	bytes int
}

// keep holds events, and lets go of the oldest where there is no room.
func (r *recent) keep(events []register.Outgoing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.events == nil {
		r.events = map[string]recentEvent{}
	}
	for _, o := range events {
		if _, held := r.events[o.ID]; held {
			continue
		}
		e := recentEvent{o, recentEach + textBytes(o)}
		r.events[o.ID] = e
		r.order = append(r.order, o.ID)
		r.bytes += e.bytes
	}
	for r.bytes > recentBytes {
		oldest := r.order[0]
		r.order = r.order[1:]
		r.bytes -= r.events[oldest].bytes
		delete(r.events, oldest)
	}
}

// keepFirst holds events that were just committed, of very many the first ones, which
// are asked for first. Their texts are copied: they are parts of the rows of a page,
// which would be held with them.
func (r *recent) keepFirst(events []register.Outgoing) {
	n, bytes := 0, 0
	for ; n < len(events); n++ {
		if bytes += recentEach + textBytes(events[n]); bytes > recentBytes {
			break
		}
	}
	kept := slices.Clone(events[:n])
	for i, o := range kept {
		change := *o.Change
		change.Before, change.After = ownTexts(change.Before), ownTexts(change.After)
		if change.Differences != nil {
			change.Differences = register.Differences(change.Before, change.After)
		}
		kept[i].Change = &change
	}
	r.keep(kept)
}

func ownTexts(values register.Values) register.Values {
	own := slices.Clone(values)
	for i := range own {
		own[i].Text = strings.Clone(own[i].Text)
	}
	return own
}

// fill gives events the changes that are held.
func (r *recent) fill(events []register.Outgoing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range events {
		if e, held := r.events[events[i].ID]; held {
			events[i].Change = e.Change
		}
	}
}

// all gives the events of the ids in the order of the outbox, if all are held.
func (r *recent) all(ids []string) (events []register.Outgoing, held bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := make([]recentEvent, 0, len(ids))
	for _, id := range ids {
		e, held := r.events[id]
		if !held {
			return nil, false
		}
		found = append(found, e)
	}
	slices.SortFunc(found, func(a, b recentEvent) int { return cmp.Compare(a.Position, b.Position) })
	found = slices.CompactFunc(found, func(a, b recentEvent) bool { return a.Position == b.Position }) // an id that was asked for twice
	events = make([]register.Outgoing, len(found))
	for i, e := range found {
		events[i] = e.Outgoing
	}
	return events, true
}

// textBytes is about how much the texts of an event take.
func textBytes(o register.Outgoing) int {
	n := 0
	if o.Signal != nil {
		n += len(o.Signal.Reason) + len(o.Signal.Next)
		for _, text := range o.Signal.Sample {
			n += len(text)
		}
		return n
	}
	for _, values := range []register.Values{o.Change.Before, o.Change.After} {
		for _, v := range values {
			n += len(v.Name) + len(v.Text)
		}
	}
	return n + len(o.Change.Key) + periodBytes*len(o.Change.EarlierPeriods)
}
