package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// openApp opens an app on an empty directory, with nothing configured.
func openApp(t testing.TB) *App {
	t.Helper()
	cfg := config.Default()
	cfg.Data = t.TempDir()
	return openWith(t, cfg, &definitionSet{shipped: map[string]register.Definition{}, watched: map[string]register.Definition{}})
}

func openWith(t testing.TB, cfg config.Config, set *definitionSet) *App {
	t.Helper()
	a, err := open(t.Context(), Options{Version: "test", Stderr: t.Output(), hostRate: 10_000, retryBase: time.Millisecond}, cfg, set)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// smallRegister is a CSV of id, name and kind on a site of ours.
func smallRegister(url string) register.Definition {
	return register.Definition{
		ID: "xx-small", Title: "Small register", Authority: register.Authority{Name: "Authority", Country: "XX"},
		Schedule: register.Schedule{Cron: "0 0 1 1 *"},
		Fetch:    register.Fetch{URLs: []string{url}, AllowPrivate: true},
		Parse:    register.Parse{Format: register.FormatCSV},
		Fields: []register.Field{
			{Name: "number", From: []register.Source{{Name: "id"}}},
			{Name: "name", From: []register.Source{{Name: "name"}}},
			{Name: "category", From: []register.Source{{Name: "kind"}}},
		},
		Key: []string{"number"},
	}
}

// smallPage writes a page of the small register.
func smallPage(rows ...string) http.Handler {
	return testsite.File("text/csv", []byte("id,name,kind\n"+strings.Join(rows, "\n")+"\n"), time.Time{})
}

// inbox is a webhook endpoint that keeps what it gets.
type inbox struct {
	mu      sync.Mutex
	events  []received
	arrived chan struct{}
}

type received struct {
	id     string
	change register.Change
	at     time.Time
}

func newInbox() *inbox { return &inbox{arrived: make(chan struct{}, 1)} }

// ServeHTTP keeps one webhook.
func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		return // the sender was killed
	}
	got := received{id: r.Header.Get("webhook-id"), at: time.Now()}
	event := register.Event{Data: &got.change}
	if err := json.Unmarshal(body.Bytes(), &event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	b.events = append(b.events, got)
	b.mu.Unlock()
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

func (b *inbox) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.events...)
}

// wait waits until so many different events have arrived.
func (b *inbox) wait(t testing.TB, n int) []received {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		events := b.all()
		if len(distinct(events)) >= n {
			return events
		}
		select {
		case <-b.arrived:
		case <-deadline:
			t.Fatalf("%d different events arrived, want %d", len(distinct(events)), n)
		}
	}
}

func distinct(events []received) map[string]register.Change {
	ids := map[string]register.Change{}
	for _, e := range events {
		ids[e.id] = e.change
	}
	return ids
}

// outside is a consumer that knows nothing of ours: a plain NATS client with a
// durable JetStream consumer, reading over TCP.
type outside struct {
	mu      sync.Mutex
	events  []received
	arrived chan struct{}
	conn    *nats.Conn
	consume jetstream.ConsumeContext
}

func connectOutside(t testing.TB, url, token string) *outside {
	t.Helper()
	o := &outside{arrived: make(chan struct{}, 1)}
	var err error
	o.conn, err = nats.Connect(url, nats.Token(token), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.conn.Close)
	o.subscribe(t)
	return o
}

func (o *outside) subscribe(t testing.TB) {
	t.Helper()
	js, err := jetstream.New(o.conn)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	consumer, err := js.CreateOrUpdateConsumer(ctx, "REGWATCH_CHANGES", jetstream.ConsumerConfig{
		Durable: "outside", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	o.consume, err = consumer.Consume(func(message jetstream.Msg) {
		got := received{id: message.Headers().Get("Nats-Msg-Id"), at: time.Now()}
		event := register.Event{Data: &got.change}
		if err := json.Unmarshal(message.Data(), &event); err != nil {
			return // it comes again, and the wait runs out
		}
		o.mu.Lock()
		o.events = append(o.events, got)
		o.mu.Unlock()
		_ = message.Ack() // one that was lost brings the message again, which the test allows for
		select {
		case o.arrived <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (o *outside) all() []received {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]received(nil), o.events...)
}

func (o *outside) wait(t testing.TB, n int) []received {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		events := o.all()
		if len(distinct(events)) >= n {
			return events
		}
		select {
		case <-o.arrived:
		case <-deadline:
			t.Fatalf("the stream gave %d different events, want %d", len(distinct(events)), n)
		}
	}
}

// inSequence fails unless the events, repeats left out, are numbered 1, 2, 3 …
func inSequence(t testing.TB, events []received) (repeats int) {
	t.Helper()
	seen := map[string]bool{}
	next := int64(1)
	for _, e := range events {
		if seen[e.id] {
			repeats++
			continue
		}
		seen[e.id] = true
		if e.change.Sequence == nil {
			t.Fatalf("event %s has no sequence, want %d", e.id, next)
		}
		if *e.change.Sequence != next {
			t.Fatalf("event %s has sequence %d, want %d", e.id, *e.change.Sequence, next)
		}
		next++
	}
	return repeats
}

func numbered(from, to int, kind string) []string {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf("%d,Name %d,%s", i, i, kind))
	}
	return rows
}
