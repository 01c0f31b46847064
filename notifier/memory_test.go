package notifier_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// memory is a ledger and a stream in memory, which fails when asked to.
type memory struct {
	mu         sync.Mutex
	events     map[string]register.Outgoing
	order      []string
	routed     map[string]bool
	deliveries map[int64]register.Delivery
	attempts   []register.Attempt
	fail       func(method string) fault
	stream     chan string
}

// fault is how a call fails: not at all, before or after it took effect.
type fault int

const (
	works fault = iota
	failsNotApplied
	failsButApplied
)

var errInjected = errors.New("injected")

func newMemory() *memory {
	return &memory{events: map[string]register.Outgoing{}, routed: map[string]bool{}, deliveries: map[int64]register.Delivery{}, stream: make(chan string, 1000)}
}

// commit puts an event into the outbox; with wire, also on the stream.
func (m *memory) commit(out register.Outgoing, wire bool) {
	m.mu.Lock()
	out.CommittedAt = time.Now()
	m.events[out.ID] = out
	m.order = append(m.order, out.ID)
	m.mu.Unlock()
	if wire {
		m.stream <- out.ID
	}
}

// do runs f under the lock, failing as injected.
func (m *memory) do(ctx context.Context, method string, f func()) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	how := works
	if m.fail != nil {
		how = m.fail(method)
	}
	if how != failsNotApplied {
		f()
	}
	if how != works {
		return errInjected
	}
	return nil
}

func (m *memory) Consume(ctx context.Context, _ string, handle func(context.Context, []string, [][]byte) error) error {
	for {
		select {
		case id := <-m.stream:
			if err := handle(ctx, []string{id}, nil); err != nil && ctx.Err() == nil {
				time.Sleep(time.Second)
				m.stream <- id
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (m *memory) Events(ctx context.Context, ids []string) (list []register.Outgoing, err error) {
	err = m.do(ctx, "Events", func() {
		for _, id := range m.order {
			if slices.Contains(ids, id) {
				list = append(list, m.events[id])
			}
		}
	})
	return list, err
}

func (m *memory) Unrouted(ctx context.Context, before time.Time, limit int) (list []register.Outgoing, err error) {
	err = m.do(ctx, "Unrouted", func() {
		for _, id := range m.order {
			if out := m.events[id]; !m.routed[id] && out.CommittedAt.Before(before) && len(list) < limit {
				list = append(list, out)
			}
		}
	})
	return list, err
}

func (m *memory) Route(ctx context.Context, ids []string, deliveries []register.Delivery, _ time.Time) error {
	return m.do(ctx, "Route", func() {
		for _, d := range deliveries {
			if !m.routed[d.Event] {
				d.ID = int64(len(m.deliveries) + 1)
				m.deliveries[d.ID] = d
			}
		}
		for _, id := range ids {
			m.routed[id] = true
		}
	})
}

func (m *memory) DueDeliveries(ctx context.Context, channel string, now time.Time, after int64, limit int) (due []register.Delivery, err error) {
	err = m.do(ctx, "DueDeliveries", func() {
		for _, id := range slices.Sorted(maps.Keys(m.deliveries)) {
			d := m.deliveries[id]
			if d.Channel == channel && id > after && d.State == register.DeliveryPending && !d.NextAttempt.After(now) && len(due) < limit {
				due = append(due, d)
			}
		}
	})
	return due, err
}

func (m *memory) Record(ctx context.Context, results []register.Result) error {
	return m.do(ctx, "Record", func() {
		for _, r := range results {
			m.attempts = append(m.attempts, r.Attempt)
			m.deliveries[r.Delivery.ID] = r.Delivery
		}
	})
}

func (m *memory) redeliver(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.deliveries[id]
	d.State, d.Attempts, d.NextAttempt, d.DoneAt = register.DeliveryPending, 0, time.Now(), time.Time{}
	m.deliveries[id] = d
}

// all gives the deliveries in order of creation.
func (m *memory) all() (list []register.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(m.deliveries)) {
		list = append(list, m.deliveries[id])
	}
	return list
}

func (m *memory) states() (states []register.DeliveryState) {
	for _, d := range m.all() {
		states = append(states, d.State)
	}
	return states
}

// receiver is a channel that answers as told and remembers what it was sent.
type receiver struct {
	mu     sync.Mutex
	got    []string // event ids
	bodies []string
	at     []time.Time
	answer func(m notifier.Message, n int) error // n counts from 1; nil: accepts
}

func (r *receiver) Send(ctx context.Context, m notifier.Message) error {
	r.mu.Lock()
	r.got, r.bodies, r.at = append(r.got, m.Event.ID), append(r.bodies, string(m.Body)), append(r.at, time.Now())
	n, answer := len(r.got), r.answer
	r.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(m, n)
}

// accept makes the receiver take everything from now on.
func (r *receiver) accept() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = nil
}

func (r *receiver) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func change(id string) register.Outgoing {
	sequence := int64(1)
	c := register.Change{
		ID: id, Register: "cz-one", Title: "List", Authority: "Ministry", Country: "CZ", Kind: register.Added, Origin: register.Watch,
		Sequence: &sequence, Key: register.NewKey("app", id), After: register.Values{{Name: "category", Text: "app"}, {Name: "name", Text: id}},
		ObservedAt: time.Date(2025, 12, 23, 2, 27, 29, 0, time.UTC),
	}
	return register.Outgoing{ID: id, Register: c.Register, Sequence: sequence, Change: &c}
}

func signal(id string) register.Outgoing {
	return register.Outgoing{ID: id, Register: "cz-one", Signal: &register.Signal{ID: id, Register: "cz-one", State: register.StateFailed, Reason: "cut"}}
}

func noFacts(string) notifier.RegisterFacts { return notifier.RegisterFacts{} }

func mustRoute(t *testing.T, operators []string, subscriptions ...register.Subscription) *notifier.Router {
	t.Helper()
	router, wrong := notifier.NewRouter(subscriptions, operators)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return router
}

func all(to ...string) register.Subscription {
	return register.Subscription{Name: "all", Registers: []string{"*"}, To: to}
}
