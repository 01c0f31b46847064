package notifier

import (
	"context"
	"fmt"

	"github.com/regwatch/regwatch/register"
)

// page is what is due next, with what it is about.
type page struct {
	due    []register.Delivery // up to batch, in order of creation
	events map[string]register.Outgoing
	err    error // it could not be read
}

// read reads the page behind a delivery.
func (s *sender) read(ctx context.Context, after int64) page {
	due, err := s.options.Ledger.DueDeliveries(ctx, s.name, s.options.Now(), after, batch)
	if err != nil {
		return page{err: fmt.Errorf("read due deliveries: %w", err)}
	}
	if len(due) == 0 {
		return page{}
	}
	ids := make([]string, len(due))
	for i, d := range due {
		ids[i] = d.Event
	}
	list, err := s.options.Ledger.Events(ctx, ids)
	if err != nil {
		return page{err: fmt.Errorf("read %d events: %w", len(ids), err)}
	}
	events := make(map[string]register.Outgoing, len(list))
	for _, out := range list {
		events[out.ID] = out
	}
	return page{due: due, events: events}
}

// readAhead reads the page behind p: a full one while p is being sent; behind one
// that is not full, when the page is asked for, since nothing waited before. The
// page must be asked for.
func (s *sender) readAhead(ctx context.Context, p page) (next func() page) {
	last := p.due[len(p.due)-1].ID
	if len(p.due) < batch {
		return func() page { return s.read(ctx, last) }
	}
	ahead := make(chan page, 1)
	go func() { ahead <- s.read(ctx, last) }()
	return func() page { return <-ahead }
}

func (s *sender) message(d register.Delivery, events map[string]register.Outgoing) (Message, error) {
	out, found := events[d.Event]
	if !found {
		return Message{}, &SendError{Permanent: true, Err: fmt.Errorf("event %s: %w", d.Event, register.ErrNotFound)}
	}
	event := out.Event(s.options.PublicURL)
	body, err := event.JSON()
	return Message{Event: event, Body: body, Delivery: d}, err
}
