package notifier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// consume routes what the stream brings. While the stream is away, the sweep
// does it.
func (n *Notifier) consume(ctx context.Context) {
	for {
		err := n.options.Source.Consume(ctx, Durable, n.handle)
		if ctx.Err() != nil {
			return
		}
		n.log.Warn("the stream of events ended; events are taken from the store until it is back", "err", err)
		if !pause(ctx, sourceWait) {
			return
		}
	}
}

// handle routes one event of the stream. The store is the truth: what it does
// not know is nobody's change.
func (n *Notifier) handle(ctx context.Context, eventID string, _ []byte) error {
	out, err := n.options.Ledger.Outgoing(ctx, eventID)
	switch {
	case errors.Is(err, register.ErrNotFound):
		n.log.Warn("an event on the stream is not in the store; it is left out", "event", eventID)
		return nil
	case err != nil:
		return fmt.Errorf("read event %s: %w", eventID, err)
	}
	return n.route(ctx, out)
}

// sweep routes events that the stream did not bring in time.
func (n *Notifier) sweep(ctx context.Context) {
	for {
		var wait time.Duration
		late, err := n.options.Ledger.Unrouted(ctx, n.options.Now().Add(-unroutedAfter), batch)
		if err != nil && ctx.Err() == nil {
			n.log.Error("unrouted events could not be read", "err", err)
			wait = troubleWait
		}
		if !n.routeAll(ctx, late) {
			wait = troubleWait
		}
		if len(late) < batch || wait > 0 {
			wait = max(wait, pollEvery)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// routeAll routes what it can, and says whether that was everything. The log
// hears of the first failure alone: when the disk is full they all fail.
func (n *Notifier) routeAll(ctx context.Context, events []register.Outgoing) bool {
	failed := 0
	var first error
	for _, out := range events {
		if err := n.route(ctx, out); err != nil {
			failed++
			first = cmp.Or(first, err)
		}
	}
	if failed > 0 && ctx.Err() == nil {
		n.log.Error("events could not be routed; they are tried again", "events", failed, "first", first)
	}
	return failed == 0
}

// route writes an event's deliveries and calls their senders.
func (n *Notifier) route(ctx context.Context, out register.Outgoing) error {
	n.mu.Lock()
	router := n.router
	n.mu.Unlock()
	deliveries, err := router.Route(out, n.options.Facts)
	if err != nil {
		n.log.Warn("a condition failed; the change is delivered all the same", "event", out.ID, "register", out.Register, "err", err)
	}
	now := n.options.Now()
	for i := range deliveries {
		deliveries[i].CreatedAt, deliveries[i].NextAttempt = now, now
	}
	if err := n.options.Ledger.Route(ctx, out.ID, deliveries, now); err != nil {
		return fmt.Errorf("route event %s: %w", out.ID, err)
	}
	n.wake(deliveries)
	return nil
}
