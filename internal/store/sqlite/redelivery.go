package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// again makes a delivery pending as if it were new; its attempts stay in the
// ledger.
const again = ` SET state = 'pending', attempts = 0, done_at = NULL, last_error = '', next_attempt = `

// Redeliver makes the deliveries that the filter names pending again, due now,
// with their attempts counted anew, and gives how many they were. The filter's
// limit does not count, and a filter that names nothing is refused, so that
// nobody sends everything again by mistake.
func (s *Store) Redeliver(ctx context.Context, filter register.DeliveryFilter, now time.Time) (int, error) {
	c := deliveryConditions(filter)
	if len(c.texts) == 0 {
		return 0, errors.New("redeliver: say which deliveries, by id, state, register, channel or subscription")
	}
	result, err := s.exec(ctx, `UPDATE deliveries`+again+`?`+c.where(), append([]any{now.UnixMicro()}, c.args...)...)
	if err != nil {
		return 0, fmt.Errorf("redeliver: %w", err)
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// Replay routes the announced changes that were observed at or after an instant
// once more, by routes, and makes their deliveries pending, due now, in the order
// of the changes: new ones, and those that were delivered or given up. What is
// pending stays as it is. It gives how many were made pending; all of them are on
// the disk when it returns, or none. routes is called while nothing is locked.
func (s *Store) Replay(ctx context.Context, since time.Time, routes func(register.Change) []register.Delivery, now time.Time) (int, error) {
	var deliveries []register.Delivery
	err := s.Changes(ctx, register.ChangeFilter{Since: since}, func(c register.Change) error {
		if c.Origin != register.Watch {
			return nil
		}
		for _, d := range routes(c) {
			d.Event = c.ID
			deliveries = append(deliveries, d)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	n := 0
	err = s.update(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `
			INSERT INTO deliveries (event, register, subscription, channel, state, attempts, next_attempt, created_at, last_error)
			SELECT event, register, ?, ?, 'pending', 0, ?, ?, '' FROM outbox WHERE event = ?
			ON CONFLICT (event, subscription, channel) DO UPDATE`+again+`excluded.next_attempt WHERE state <> 'pending'`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for _, d := range deliveries {
			result, err := insert.ExecContext(ctx, d.Subscription, d.Channel, micros(now), micros(now), d.Event)
			if err != nil {
				return fmt.Errorf("insert delivery to %s of %s: %w", d.Channel, d.Subscription, err)
			}
			made, err := result.RowsAffected()
			if err != nil {
				return err
			}
			n += int(made)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("replay: %w", err)
	}
	return n, nil
}
