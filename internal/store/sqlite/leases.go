package sqlite

import (
	"context"
	"fmt"
	"time"
)

// Lease takes or renews a lease for the holder until now + ttl, and reports
// whether he has it. Another holder's lease must have ended before. It is safe to
// repeat. Whoever asks must keep his clock near that of the others.
func (s *Store) Lease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (bool, error) {
	result, err := s.exec(ctx, `
		INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
		WHERE holder = excluded.holder OR expires_at <= ?`,
		name, holder, now.Add(ttl).UnixMicro(), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("take lease %s: %w", name, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("take lease %s: %w", name, err)
	}
	return n == 1, nil
}

// ReleaseLease gives a lease up, so that another may have it at once. It is safe
// to repeat; somebody else's lease is left alone.
func (s *Store) ReleaseLease(ctx context.Context, name, holder string) error {
	if _, err := s.exec(ctx, `DELETE FROM leases WHERE name = ? AND holder = ?`, name, holder); err != nil {
		return fmt.Errorf("release lease %s: %w", name, err)
	}
	return nil
}

// readyLease is a lease that nobody takes.
const readyLease = "ready"

// Ready reports whether the store takes writes, by making one: on a full or
// read-only disk it can still be read.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.exec(ctx, `
		INSERT INTO leases (name, holder, expires_at) VALUES (?, '', ?)
		ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at`, readyLease, s.now().UnixMicro())
	if err != nil {
		return fmt.Errorf("write to store %s: %w", s.path, err)
	}
	return nil
}
