package notifier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
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

// handle routes events of the stream. The store is the truth: what it does not
// know is nobody's change.
func (n *Notifier) handle(ctx context.Context, eventIDs []string, _ [][]byte) error {
	events, err := n.options.Ledger.Events(ctx, eventIDs)
	if err != nil {
		return fmt.Errorf("read %d events: %w", len(eventIDs), err)
	}
	for _, id := range eventIDs {
		if !slices.ContainsFunc(events, func(out register.Outgoing) bool { return out.ID == id }) {
			n.log.Warn("an event on the stream is not in the store; it is left out", "event", id)
		}
	}
	return n.route(ctx, events...)
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

// routeAll routes what it can, and says whether that was everything: if not
// together, then one by one. The log hears of the first failure alone: when the
// disk is full they all fail.
func (n *Notifier) routeAll(ctx context.Context, events []register.Outgoing) bool {
	if n.route(ctx, events...) == nil {
		return true
	}
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

// route writes the deliveries of events, all or none, and calls their senders.
func (n *Notifier) route(ctx context.Context, events ...register.Outgoing) error {
	if len(events) == 0 {
		return nil
	}
	n.mu.Lock()
	router := n.router
	n.mu.Unlock()
	now := n.options.Now()
	ids := make([]string, len(events))
	var deliveries []register.Delivery
	for i, out := range events {
		ids[i] = out.ID
		of, err := router.Route(out, n.options.Facts)
		if err != nil {
			n.log.Warn("a condition failed; the change is delivered all the same", "event", out.ID, "register", out.Register, "err", err)
		}
		for _, d := range of {
			d.CreatedAt, d.NextAttempt = now, now
			deliveries = append(deliveries, d)
		}
	}
	if err := n.options.Ledger.Route(ctx, ids, deliveries, now); err != nil {
		return fmt.Errorf("route %d events from %s on: %w", len(ids), ids[0], err)
	}
	n.wake(deliveries)
	return nil
}
