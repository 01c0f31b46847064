package notifier

import (
	"context"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Source is the stream of events.
type Source interface {
	// Consume calls handle for every event, several together, in their order,
	// from where the durable consumer of that name stands, until ctx ends. Events
	// are done when handle returned nil, and come again otherwise, each by itself;
	// they may come more than once in any case.
	Consume(ctx context.Context, durable string, handle func(ctx context.Context, eventIDs []string, bodies [][]byte) error) error
}

// Outbox is where events wait to be routed.
type Outbox interface {
	// Events gives those of the events that there are, oldest first.
	Events(ctx context.Context, ids []string) ([]register.Outgoing, error)
	// Unrouted gives events committed before an instant and not routed yet,
	// oldest first.
	Unrouted(ctx context.Context, committedBefore time.Time, limit int) ([]register.Outgoing, error)
	// Route writes the deliveries of these events and marks the events routed, in
	// one transaction. For an event that is routed already it does nothing.
	Route(ctx context.Context, eventIDs []string, deliveries []register.Delivery, at time.Time) error
}

// Queue is where deliveries wait to be sent.
type Queue interface {
	// DueDeliveries gives a channel's pending deliveries whose next attempt is
	// not after now, in order of creation, from behind the delivery of an id on.
	DueDeliveries(ctx context.Context, channel string, now time.Time, after int64, limit int) ([]register.Delivery, error)
	// Record adds attempts and updates their deliveries, in one transaction. It is
	// idempotent.
	Record(ctx context.Context, results []register.Result) error
}

// Ledger is the part of the store that the notifier works on.
type Ledger interface {
	Outbox
	Queue
}
