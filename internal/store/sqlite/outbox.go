package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Classes of the outbox's events.
const (
	classChange = "change"
	classSignal = "signal"
)

const insertEvent = `INSERT INTO outbox (event, class, register, sequence, payload, committed_at) VALUES (?, ?, ?, ?, ?, ?)`

// emitSignals puts the commit's signals into the outbox, with their ids.
func (w *work) emitSignals(ctx context.Context) error {
	for i, signal := range w.commit.Signals {
		signal.ID = register.SignalID(w.run.Register, w.run.ID, signal.State, i+1)
		signal.Register, signal.Run = w.run.Register, w.run.ID
		if signal.Title == "" {
			signal.Title = w.run.Source.Title
		}
		if signal.At.IsZero() {
			signal.At = w.at
		}
		signal.At = exact(signal.At)
		payload, err := text(signal)
		if err != nil {
			return fmt.Errorf("encode signal %s: %w", signal.State, err)
		}
		if _, err := w.tx.ExecContext(ctx, insertEvent, signal.ID, classSignal, signal.Register, nil, payload, micros(w.at)); err != nil {
			return fmt.Errorf("put signal %s into the outbox: %w", signal.State, err)
		}
	}
	return nil
}

// Unpublished gives events behind a position that the stream does not have yet as far
// as is marked, oldest first, and so those of a register in the order of their
// sequence. It changes nothing.
func (s *Store) Unpublished(ctx context.Context, after int64, n int) ([]register.Outgoing, error) {
	events, err := s.outgoing(ctx, `WHERE published_at IS NULL AND position > ? ORDER BY position LIMIT ?`, after, limit(n))
	if err != nil {
		return nil, fmt.Errorf("read unpublished events: %w", err)
	}
	return events, nil
}

// Unrouted gives events that have no deliveries yet and were committed before
// an instant, oldest first. It changes nothing.
func (s *Store) Unrouted(ctx context.Context, committedBefore time.Time, n int) ([]register.Outgoing, error) {
	events, err := s.outgoing(ctx, `WHERE routed_at IS NULL AND committed_at < ? ORDER BY position LIMIT ?`,
		committedBefore.UnixMicro(), limit(n))
	if err != nil {
		return nil, fmt.Errorf("read unrouted events: %w", err)
	}
	return events, nil
}

// Events gives those of the events that there are, oldest first.
func (s *Store) Events(ctx context.Context, ids []string) ([]register.Outgoing, error) {
	if events, held := s.recent.all(ids); held {
		return events, nil
	}
	events, err := s.outgoing(ctx, `WHERE event IN (SELECT value FROM json_each(?)) ORDER BY position`, list(ids))
	if err != nil {
		return nil, fmt.Errorf("read %d events: %w", len(ids), err)
	}
	return events, nil
}

// list writes ids as JSON, for one statement that takes any number of them.
func list(ids []string) string {
	text, err := json.Marshal(ids)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}

// outgoing reads events; tail is what follows the table's name.
func (s *Store) outgoing(ctx context.Context, tail string, args ...any) (events []register.Outgoing, err error) {
	err = s.view(ctx, func(tx *sql.Tx) error {
		err := each(ctx, tx, func(rows *sql.Rows) error {
			event, err := scanOutgoing(rows)
			events = append(events, event)
			return err
		}, `SELECT position, event, register, sequence, payload, committed_at FROM outbox `+tail, args...)
		if err != nil {
			return err
		}
		return s.withChanges(ctx, tx, events)
	})
	if err == nil {
		s.recent.keep(events)
	}
	return events, err
}

func scanOutgoing(rows *sql.Rows) (o register.Outgoing, err error) {
	var sequence sql.NullInt64
	var payload sql.NullString
	err = rows.Scan(&o.Position, &o.ID, &o.Register, &sequence, &payload, instant{&o.CommittedAt})
	o.Sequence = sequence.Int64
	if err == nil && payload.Valid {
		o.Signal = new(register.Signal)
		err = document{o.Signal}.Scan(payload.String)
	}
	return o, err
}

// withChanges fills in the changes of those events that are no signals.
func (s *Store) withChanges(ctx context.Context, tx *sql.Tx, events []register.Outgoing) error {
	s.recent.fill(events)
	var ids []string
	for _, o := range events {
		if o.Signal == nil && o.Change == nil {
			ids = append(ids, o.ID)
		}
	}
	changes := map[string]register.Change{}
	for batch := range slices.Chunk(ids, changePage) {
		page, err := readChanges(ctx, tx, ` WHERE id IN (SELECT value FROM json_each(?))`, list(batch))
		if err != nil {
			return err
		}
		for _, c := range page {
			changes[c.ID] = c
		}
	}
	for i, o := range events {
		if o.Signal != nil || o.Change != nil {
			continue
		}
		change, found := changes[o.ID]
		if !found {
			return fmt.Errorf("change %s of the outbox: %w", o.ID, register.ErrNotFound)
		}
		events[i].Change = &change
	}
	return nil
}

// MarkPublished records that the stream has these events. It is safe to repeat:
// the first mark stays. Unknown ids are passed over.
func (s *Store) MarkPublished(ctx context.Context, ids []string, at time.Time) error {
	_, err := s.exec(ctx, `UPDATE outbox SET published_at = ? WHERE published_at IS NULL AND event IN (SELECT value FROM json_each(?))`,
		at.UnixMicro(), list(ids))
	if err != nil {
		return fmt.Errorf("mark %d events as published: %w", len(ids), err)
	}
	return nil
}

// errUnknownEvent names an event that the outbox does not have.
func errUnknownEvent(id string) error {
	return fmt.Errorf("event %s: %w", id, register.ErrNotFound)
}

// unroutedOf gives the registers of those of the events that have no deliveries
// yet. All of the events must be in the outbox.
func unroutedOf(ctx context.Context, q querier, eventIDs []string) (map[string]string, error) {
	known, unrouted := map[string]bool{}, map[string]string{}
	err := each(ctx, q, func(rows *sql.Rows) error {
		var id, register string
		var fresh bool
		err := rows.Scan(&id, &register, &fresh)
		known[id] = true
		if fresh {
			unrouted[id] = register
		}
		return err
	}, `SELECT event, register, routed_at IS NULL FROM outbox WHERE event IN (SELECT value FROM json_each(?))`, list(eventIDs))
	if err != nil {
		return nil, err
	}
	for _, id := range eventIDs {
		if !known[id] {
			return nil, errUnknownEvent(id)
		}
	}
	return unrouted, nil
}
