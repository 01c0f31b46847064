package notifier_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// wire is a stream that brings what it is given.
type wire chan string

func (w wire) Consume(ctx context.Context, _ string, handle func(context.Context, []string, [][]byte) error) error {
	for {
		select {
		case id := <-w:
			if err := handle(ctx, []string{id}, nil); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func entry(name string) *register.Entry {
	fields := register.Values{{Name: "category", Text: "app"}, {Name: "name", Text: name}}
	return &register.Entry{Key: register.NewKey(name), Fields: fields, Content: register.ContentHash(fields)}
}

// commitChanges leaves a baseline and three additions in the store.
func commitChanges(t *testing.T, store *sqlite.Store) []register.Change {
	t.Helper()
	at := time.Now().UTC().Add(-time.Minute)
	run := register.Run{
		Register: "cz-one", Tick: at, Trigger: register.TriggerSchedule, Origin: register.Watch, StartedAt: at, ObservedAt: at, FinishedAt: at,
		Outcome: register.OutcomeBaseline, Proof: register.Proof{{Name: register.CheckFraming, Verdict: register.Pass}},
		Source: register.RunDefinition{Title: "List", Authority: "Ministry", Country: "CZ", URL: "https://mf.example/"},
	}
	if _, _, err := store.Commit(t.Context(), register.Commit{Run: run, Baseline: register.All([]register.Entry{*entry("old")})}); err != nil {
		t.Fatal(err)
	}
	head, err := store.Head(t.Context(), "cz-one")
	if err != nil {
		t.Fatal(err)
	}
	run.Tick, run.Outcome = at.Add(time.Second), register.OutcomeChanged
	commit := register.Commit{Run: run, HeadVersion: head.Version}
	for _, name := range []string{"a", "b", "c"} {
		commit.Accepted = append(commit.Accepted, register.Accepted{Kind: register.Added, After: entry(name)})
	}
	_, changes, err := store.Commit(t.Context(), commit)
	if err != nil || len(changes) != 3 {
		t.Fatal(changes, err)
	}
	return changes
}

// TestOnTheStore goes the whole way on the real ledger: routed, sent in order,
// one refused for good, redelivered, each attempt kept.
func TestOnTheStore(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "regwatch.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	changes := commitChanges(t, store)
	desk := &receiver{answer: func(_ notifier.Message, n int) error {
		if n == 2 {
			return &notifier.SendError{Status: 550, Permanent: true, Err: errors.New("no")}
		}
		return nil
	}}
	stream, attempted := make(wire, 10), make(chan register.Delivery, 10)
	n := notifier.New(notifier.Options{
		Source: stream, Ledger: store, Router: mustRoute(t, nil, all("desk")), Channels: map[string]notifier.Channel{"desk": desk}, Facts: noFacts,
		Attempted: func(d register.Delivery, _ register.Attempt) { attempted <- d },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	for _, c := range changes {
		stream <- c.ID
		stream <- c.ID // the wire may say everything twice
	}
	var dead register.Delivery
	for range changes {
		if d := <-attempted; d.State == register.DeliveryDead {
			dead = d
		}
	}
	if _, err := store.Redeliver(t.Context(), register.DeliveryFilter{State: register.DeliveryDead}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if d := <-attempted; d.ID != dead.ID || d.State != register.DeliveryDelivered {
		t.Errorf("redelivered %+v, wanted %+v", d, dead)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	want := []string{changes[0].ID, changes[1].ID, changes[2].ID, changes[1].ID}
	if got := desk.ids(); !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	attempts, err := store.Attempts(t.Context(), dead.ID)
	if err != nil || len(attempts) != 2 || attempts[0].Status != 550 || attempts[1].Error != "" {
		t.Errorf("%+v, %v", attempts, err)
	}
}
