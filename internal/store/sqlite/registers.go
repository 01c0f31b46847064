package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Registers gives every register that is known, in the order of their ids.
func (s *Store) Registers(ctx context.Context) ([]register.RegisterState, error) {
	var states []register.RegisterState
	err := s.view(ctx, func(tx *sql.Tx) error {
		err := each(ctx, tx, func(rows *sql.Rows) error {
			var r register.RegisterState
			err := rows.Scan(&r.ID, instant{&r.PausedAt}, instant{&r.LastTick}, instant{&r.NextTick})
			states = append(states, r)
			return err
		}, `SELECT register, paused_at, last_tick, next_tick
			FROM (SELECT register FROM heads UNION SELECT register FROM register_state) LEFT JOIN register_state USING (register)
			ORDER BY register`)
		if err != nil {
			return err
		}
		for i := range states {
			if err := withLastRun(ctx, tx, &states[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list registers: %w", err)
	}
	return states, nil
}

// withLastRun fills in what a register's head and its last run say.
func withLastRun(ctx context.Context, q querier, r *register.RegisterState) (err error) {
	if r.Head, err = readHead(ctx, q, r.ID); err != nil {
		return err
	}
	last := q.QueryRowContext(ctx, `SELECT `+runColumns+` FROM runs WHERE register = ? ORDER BY id DESC LIMIT 1`, r.ID)
	r.LastRun, err = scanRun(last)
	if errors.Is(err, sql.ErrNoRows) {
		r.LastRun, err = register.Run{}, nil
	}
	r.Title = r.LastRun.Source.Title
	return err
}

// Pause keeps a register from being fetched. It is safe to repeat: the first
// pause's instant stays. The register need not be known.
func (s *Store) Pause(ctx context.Context, registerID string) error {
	_, err := s.exec(ctx, `
		INSERT INTO register_state (register, paused_at) VALUES (?, ?)
		ON CONFLICT (register) DO UPDATE SET paused_at = coalesce(paused_at, excluded.paused_at)`, registerID, micros(s.now()))
	if err != nil {
		return fmt.Errorf("pause %s: %w", registerID, err)
	}
	return nil
}

// Resume ends a pause. It is safe to repeat, and for a register that is not
// paused it does nothing.
func (s *Store) Resume(ctx context.Context, registerID string) error {
	if _, err := s.exec(ctx, `UPDATE register_state SET paused_at = NULL WHERE register = ?`, registerID); err != nil {
		return fmt.Errorf("resume %s: %w", registerID, err)
	}
	return nil
}

// Paused reports whether a register is paused.
func (s *Store) Paused(ctx context.Context, registerID string) (paused bool, err error) {
	err = s.read.QueryRowContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM register_state WHERE register = ? AND paused_at IS NOT NULL)`, registerID).Scan(&paused)
	if err != nil {
		return false, fmt.Errorf("read whether %s is paused: %w", registerID, err)
	}
	return paused, nil
}

// LastTick gives the last tick that was saved for a register; the zero time if
// there is none.
func (s *Store) LastTick(ctx context.Context, registerID string) (last time.Time, err error) {
	err = s.read.QueryRowContext(ctx,
		`SELECT max(last_tick) FROM register_state WHERE register = ?`, registerID).Scan(instant{&last})
	if err != nil {
		return time.Time{}, fmt.Errorf("read last tick of %s: %w", registerID, err)
	}
	return last, nil
}

// SaveTicks keeps when a register was last due and when it is due next; a zero
// instant leaves what is there. It is safe to repeat.
func (s *Store) SaveTicks(ctx context.Context, registerID string, last, next time.Time) error {
	_, err := s.exec(ctx, `
		INSERT INTO register_state (register, last_tick, next_tick) VALUES (?, ?, ?)
		ON CONFLICT (register) DO UPDATE SET
			last_tick = coalesce(excluded.last_tick, last_tick), next_tick = coalesce(excluded.next_tick, next_tick)`,
		registerID, micros(last), micros(next))
	if err != nil {
		return fmt.Errorf("save ticks of %s: %w", registerID, err)
	}
	return nil
}
