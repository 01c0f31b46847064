package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/regwatch/regwatch/register"
)

// memoryOutbox is the part of a store that the relay needs.
type memoryOutbox struct {
	mu        sync.Mutex
	rows      []register.Outgoing
	published map[string]time.Time
	sequence  map[string]int64
	holder    string
	until     time.Time
	failMarks int // so many MarkPublished fail
	failReads int // so many Unpublished fail
}

func newOutbox() *memoryOutbox {
	return &memoryOutbox{published: map[string]time.Time{}, sequence: map[string]int64{}}
}

func (o *memoryOutbox) commitChange(registerID string) register.Outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sequence[registerID]++
	n := o.sequence[registerID]
	id := fmt.Sprintf("%s-c%d", registerID, n)
	out := register.Outgoing{ID: id, Register: registerID, Sequence: n, CommittedAt: someTick, Change: &register.Change{
		ID: id, Register: registerID, Kind: register.Added, Origin: register.Watch, Sequence: &n, ObservedAt: someTick,
	}}
	o.rows = append(o.rows, out)
	return out
}

func (o *memoryOutbox) commitSignal(registerID string, n int) register.Outgoing {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := fmt.Sprintf("%s-s%d", registerID, n)
	out := register.Outgoing{ID: id, Register: registerID, CommittedAt: someTick, Signal: &register.Signal{
		ID: id, Register: registerID, State: register.StateHeld, At: someTick, Reason: "a flood of removals",
	}}
	o.rows = append(o.rows, out)
	return out
}

func (o *memoryOutbox) Unpublished(_ context.Context, after int64, limit int) ([]register.Outgoing, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failReads > 0 {
		o.failReads--
		return nil, errors.New("database is locked")
	}
	var rows []register.Outgoing
	for i, row := range o.rows {
		row.Position = int64(i + 1)
		if _, done := o.published[row.ID]; !done && row.Position > after && len(rows) < limit {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (o *memoryOutbox) MarkPublished(_ context.Context, ids []string, at time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failMarks > 0 {
		o.failMarks--
		return errors.New("database is locked")
	}
	for _, id := range ids {
		o.published[id] = at
	}
	return nil
}

// fail has so many calls fail.
func (o *memoryOutbox) fail(marks, reads int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failMarks, o.failReads = marks, reads
}

func (o *memoryOutbox) Lease(_ context.Context, _, holder string, now time.Time, ttl time.Duration) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder != holder && now.Before(o.until) {
		return false, nil
	}
	o.holder, o.until = holder, now.Add(ttl)
	return true, nil
}

func (o *memoryOutbox) ReleaseLease(_ context.Context, _, holder string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.holder == holder {
		o.holder, o.until = "", time.Time{}
	}
	return nil
}

func (o *memoryOutbox) waiting() int {
	rows, _ := o.Unpublished(context.Background(), 0, len(o.rows)+1)
	return len(rows)
}

// ids of a register's rows of one stream, in the order of their commits.
func (o *memoryOutbox) ids(stream, registerID string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var ids []string
	for _, row := range o.rows {
		if streamOf(row) == stream && row.Register == registerID {
			ids = append(ids, row.ID)
		}
	}
	return slices.Clip(ids)
}
