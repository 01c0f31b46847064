package bus

import (
	"context"
	"log/slog"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Outbox is the store as the relay sees it.
type Outbox interface {
	// Unpublished returns up to limit events behind a position whose publication is
	// not marked, in the order in which they were committed, so that those of one
	// register come in the order of their sequence. It runs beside MarkPublished.
	Unpublished(ctx context.Context, after int64, limit int) ([]register.Outgoing, error)

	// MarkPublished says that these events are on the stream. It is durable on
	// return and idempotent; an unknown id is no error.
	MarkPublished(ctx context.Context, ids []string, at time.Time) error

	// Lease takes or renews the lease of that name for the holder until now
	// plus ttl, and reports whether the holder has it. Somebody else's lease is
	// taken over when it has ended.
	Lease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (bool, error)

	// ReleaseLease ends the holder's lease, if it has it.
	ReleaseLease(ctx context.Context, name, holder string) error
}

// RelayOptions adjusts a [Relay]; the zero value will do.
type RelayOptions struct {
	// Source is the service's public URL, the source of the events; may be empty.
	Source string

	// Holder names this process in the lease. A name that stays the same over
	// restarts lets the next process go on at once where a killed one had the
	// lease; two living processes must never share it. Empty: host and process.
	Holder string

	// TTL of the lease. 0: 10 s.
	TTL time.Duration

	// Poll is how often the outbox is looked at for commits of other
	// processes. 0: 1 s.
	Poll time.Duration

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: none
}
