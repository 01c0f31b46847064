package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/regwatch/regwatch/register"
)

const headColumns = `register, version, baselined, run, seen_run, seen_at, entries, sequence, fingerprint, origin, memory, believed_run`

func scanHead(row interface{ Scan(...any) error }) (register.Head, error) {
	var h register.Head
	var run, seenRun, believedRun sql.NullInt64
	err := row.Scan(&h.Register, &h.Version, &h.Baselined, &run, &seenRun, instant{&h.SeenAt}, &h.Entries,
		&h.Sequence, &h.Fingerprint, &h.Origin, document{&h.Memory}, &believedRun)
	h.Run, h.SeenRun, h.BelievedRun = register.RunID(run.Int64), register.RunID(seenRun.Int64), register.RunID(believedRun.Int64)
	return h, err
}

// Head gives the head of a register as it is now. A head of Version 0 says that
// nothing was ever committed; it is no error. It changes nothing.
func (s *Store) Head(ctx context.Context, registerID string) (register.Head, error) {
	head, err := readHead(ctx, s.read, registerID)
	if err != nil {
		return register.Head{}, fmt.Errorf("read head of %s: %w", registerID, err)
	}
	return head, nil
}

func readHead(ctx context.Context, q querier, registerID string) (register.Head, error) {
	head, err := scanHead(q.QueryRowContext(ctx, `SELECT `+headColumns+` FROM heads WHERE register = ?`, registerID))
	if errors.Is(err, sql.ErrNoRows) {
		return register.Head{Register: registerID}, nil
	}
	return head, err
}

// saveHead writes the head that a commit leaves. The commit holds the write
// lock and has compared the version.
func saveHead(ctx context.Context, tx *sql.Tx, h register.Head) error {
	memory, err := text(h.Memory)
	if err != nil {
		return fmt.Errorf("encode memory: %w", err)
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO heads (`+headColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (register) DO UPDATE SET
			version = excluded.version, baselined = excluded.baselined, run = excluded.run,
			seen_run = excluded.seen_run, seen_at = excluded.seen_at, entries = excluded.entries,
			sequence = excluded.sequence, fingerprint = excluded.fingerprint, origin = excluded.origin,
			memory = excluded.memory, believed_run = excluded.believed_run`,
		h.Register, h.Version, h.Baselined, runOrNull(h.Run), runOrNull(h.SeenRun), micros(h.SeenAt), h.Entries,
		h.Sequence, h.Fingerprint, h.Origin, memory, runOrNull(h.BelievedRun))
	return err
}

// runOrNull gives the column's value of a run that may be none.
func runOrNull(id register.RunID) any {
	if id == 0 {
		return nil
	}
	return int64(id)
}
