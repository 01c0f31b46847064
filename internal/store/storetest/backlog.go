package storetest

import (
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func testBacklog(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	want := func(unpublished, unrouted, pending, dead int64) register.Backlog {
		t.Helper()
		b, err := store.Backlog(ctx)
		check(t, err)
		same(t, "backlog", []int64{b.Unpublished, b.Unrouted, b.Pending, b.Dead}, []int64{unpublished, unrouted, pending, dead})
		return b
	}
	if b := want(0, 0, 0, 0); len(b.Seen) != 0 {
		t.Errorf("an empty store has seen %v", b.Seen)
	}
	s := watch(t, store, "cz-games")
	s.baseline()
	changes := s.accept(added(entry("a", "")), added(entry("b", "")))
	want(2, 2, 0, 0)
	check(t, route(ctx, store, changes[0].ID, epoch, to("a", "hook"), to("b", "mail")))
	check(t, store.MarkPublished(ctx, []string{changes[0].ID, changes[1].ID}, epoch))
	want(0, 1, 2, 0)
	due, err := store.DueDeliveries(ctx, "hook", epoch.Add(time.Hour), 0, 1)
	check(t, err)
	given := due[0]
	given.State = register.DeliveryDead
	check(t, store.Record(ctx, []register.Result{{Attempt: register.Attempt{Delivery: given.ID, Number: 1, StartedAt: epoch}, Delivery: given}}))
	b := want(0, 1, 1, 1)
	head, err := store.Head(ctx, s.id)
	check(t, err)
	same(t, "seen", b.Seen, map[string]time.Time{s.id: head.SeenAt})
}
