package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

const deliveryColumns = `id, event, register, subscription, channel, state, attempts, next_attempt, created_at, done_at, last_error`

func scanDelivery(rows *sql.Rows) (register.Delivery, error) {
	var d register.Delivery
	err := rows.Scan(&d.ID, &d.Event, &d.Register, &d.Subscription, &d.Channel, &d.State, &d.Attempts,
		instant{&d.NextAttempt}, instant{&d.CreatedAt}, instant{&d.DoneAt}, &d.LastError)
	return d, err
}

func readDeliveries(ctx context.Context, q querier, tail string, args ...any) ([]register.Delivery, error) {
	var deliveries []register.Delivery
	err := each(ctx, q, func(rows *sql.Rows) error {
		d, err := scanDelivery(rows)
		deliveries = append(deliveries, d)
		return err
	}, `SELECT `+deliveryColumns+` FROM deliveries`+tail, args...)
	return deliveries, err
}

// Route gives events their deliveries, none being a decision too, and marks them
// as routed: all of them, or none. Of a delivery it takes event, subscription,
// channel and NextAttempt (zero: at once); its event is one of these. It is safe
// to repeat: an event that is routed stays as it is, with whatever deliveries it
// got then. [register.ErrNotFound] is in the error's chain if there is no such
// event.
func (s *Store) Route(ctx context.Context, eventIDs []string, deliveries []register.Delivery, at time.Time) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx) // as in a commit
		unrouted, err := unroutedOf(ctx, tx, eventIDs)
		if err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, `
			INSERT INTO deliveries (event, register, subscription, channel, state, attempts, next_attempt, created_at, last_error)
			VALUES (?, ?, ?, ?, 'pending', 0, ?, ?, '') ON CONFLICT (event, subscription, channel) DO NOTHING`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, d := range deliveries {
			of, fresh := unrouted[d.Event]
			if !fresh {
				continue
			}
			if _, err := insert.ExecContext(ctx, d.Event, of, d.Subscription, d.Channel, micros(nextAttempt(d, at)), micros(at)); err != nil {
				return fmt.Errorf("insert delivery to %s of %s: %w", d.Channel, d.Subscription, err)
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE outbox SET routed_at = ? WHERE routed_at IS NULL AND event IN (SELECT value FROM json_each(?))`,
			at.UnixMicro(), list(eventIDs))
		return err
	})
	if err != nil {
		return fmt.Errorf("route %d events: %w", len(eventIDs), err)
	}
	return nil
}

// nextAttempt is when a delivery that is made now is due.
func nextAttempt(d register.Delivery, at time.Time) time.Time {
	if d.NextAttempt.IsZero() {
		return at
	}
	return d.NextAttempt
}

// longestWait is more than any delivery is put off for: an attempt that is further
// ahead was set by a clock that was wrong, and is due.
const longestWait = 7 * 24 * time.Hour

// DueDeliveries gives the channel's pending deliveries whose time has come, in
// the order in which they were made, from behind the delivery of an id on. It
// changes nothing.
func (s *Store) DueDeliveries(ctx context.Context, channel string, now time.Time, after int64, n int) ([]register.Delivery, error) {
	due, err := readDeliveries(ctx, s.read, ` WHERE channel = ? AND state = 'pending' AND id > ? AND (next_attempt <= ? OR next_attempt > ?) ORDER BY id LIMIT ?`,
		channel, after, now.UnixMicro(), now.Add(longestWait).UnixMicro(), limit(n))
	if err != nil {
		return nil, fmt.Errorf("read due deliveries of %s: %w", channel, err)
	}
	return due, nil
}

// Record appends attempts and makes each one's delivery what the result says of
// state, attempts, next attempt, end and error. All are on the disk when it
// returns, or none. It is safe to repeat: the same attempt is kept once.
// [register.ErrNotFound] is in the error's chain if there is no such delivery.
func (s *Store) Record(ctx context.Context, results []register.Result) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx) // as in a commit
		update, err := tx.PrepareContext(ctx, `
			UPDATE deliveries SET state = ?, attempts = ?, next_attempt = ?, done_at = ?, last_error = ? WHERE id = ?`)
		if err != nil {
			return err
		}
		defer update.Close()
		insert, err := tx.PrepareContext(ctx, `
			INSERT INTO attempts (delivery, number, started_at, took, status, error, retry_after) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (delivery, number, started_at) DO NOTHING`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, r := range results {
			if err := record(ctx, update, insert, r); err != nil {
				return fmt.Errorf("attempt %d of delivery %d: %w", r.Attempt.Number, r.Attempt.Delivery, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record %d attempts: %w", len(results), err)
	}
	return nil
}

func record(ctx context.Context, update, insert *sql.Stmt, r register.Result) error {
	attempt, next := r.Attempt, r.Delivery
	result, err := update.ExecContext(ctx,
		next.State, next.Attempts, micros(next.NextAttempt), micros(next.DoneAt), next.LastError, attempt.Delivery)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, register.ErrNotFound)
	}
	_, err = insert.ExecContext(ctx,
		attempt.Delivery, attempt.Number, attempt.StartedAt.UnixMicro(), int64(attempt.Took), attempt.Status, attempt.Error, int64(attempt.RetryAfter))
	return err
}

// Deliveries gives the deliveries that the filter names, newest first.
func (s *Store) Deliveries(ctx context.Context, filter register.DeliveryFilter) ([]register.Delivery, error) {
	c := deliveryConditions(filter)
	deliveries, err := readDeliveries(ctx, s.read, c.where()+` ORDER BY id DESC LIMIT ?`, append(c.args, limit(filter.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return deliveries, nil
}

func deliveryConditions(f register.DeliveryFilter) conditions {
	var c conditions
	ids := make([]any, len(f.IDs))
	for i, id := range f.IDs {
		ids[i] = id
	}
	c.add(len(ids) > 0, "id IN ("+marks(len(ids))+")", ids...)
	c.add(f.State != "", "state = ?", f.State)
	c.add(f.Register != "", "register = ?", f.Register)
	c.add(f.Channel != "", "channel = ?", f.Channel)
	c.add(f.Subscription != "", "subscription = ?", f.Subscription)
	return c
}

// Attempts gives the attempts of a delivery, oldest first; none, without an
// error, for a delivery that is not known.
func (s *Store) Attempts(ctx context.Context, delivery int64) ([]register.Attempt, error) {
	var attempts []register.Attempt
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var a register.Attempt
		err := rows.Scan(&a.Delivery, &a.Number, instant{&a.StartedAt}, &a.Took, &a.Status, &a.Error, &a.RetryAfter)
		attempts = append(attempts, a)
		return err
	}, `SELECT delivery, number, started_at, took, status, error, retry_after FROM attempts WHERE delivery = ? ORDER BY id`, delivery)
	if err != nil {
		return nil, fmt.Errorf("read attempts of delivery %d: %w", delivery, err)
	}
	return attempts, nil
}
