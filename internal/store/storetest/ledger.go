package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

// eventIDs gives the ids of events.
func eventIDs(events []register.Outgoing) []string {
	ids := []string{}
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func testOutbox(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	games, sites := watch(t, store, "cz-games"), watch(t, store, "ee-sites")
	games.baseline()
	sites.baseline()
	one := games.accept(added(entry("a", "")), added(entry("b", "")))
	two := sites.accept(added(entry("a", "")))
	three := games.accept(added(entry("c", "")))
	games.signal(register.StateHeld, register.StateHeld)

	all, err := store.Unpublished(ctx, 0, 0)
	check(t, err)
	if len(all) != 6 || all[4].ID == all[5].ID {
		t.Fatalf("unpublished: %v", eventIDs(all))
	}
	same(t, "unpublished", eventIDs(all[:4]), []string{one[0].ID, one[1].ID, two[0].ID, three[0].ID})
	same(t, "first", all[0], register.Outgoing{
		ID: one[0].ID, Register: "cz-games", Position: all[0].Position, Sequence: 1, Change: &one[0], CommittedAt: all[0].CommittedAt,
	})
	if all[4].Change != nil || all[4].Signal.State != register.StateHeld || all[4].Signal.ID != all[4].ID {
		t.Errorf("signal: %+v", all[4])
	}
	fetched, err := store.Events(ctx, []string{all[4].ID, "unknown", all[0].ID, all[0].ID})
	check(t, err)
	same(t, "some events", fetched, []register.Outgoing{all[0], all[4]})
	for name, store := range map[string]Store{"events that were read before": store, "events of another handle": open(t)} {
		fetched, err := store.Events(ctx, []string{all[4].ID, all[0].ID, all[0].ID})
		check(t, err)
		same(t, name, fetched, []register.Outgoing{all[0], all[4]})
	}

	check(t, store.MarkPublished(ctx, []string{one[0].ID, one[1].ID}, epoch))
	for range 2 {
		check(t, store.MarkPublished(ctx, []string{two[0].ID, all[5].ID, "unknown"}, epoch))
		left, err := store.Unpublished(ctx, 0, 0)
		check(t, err)
		same(t, "left", eventIDs(left), []string{three[0].ID, all[4].ID})
	}
	left, err := store.Unpublished(ctx, 0, 1)
	check(t, err)
	same(t, "limited", eventIDs(left), []string{three[0].ID})
	left, err = store.Unpublished(ctx, all[3].Position, 0)
	check(t, err)
	same(t, "behind a position", eventIDs(left), []string{all[4].ID})
}

func testLeases(t *testing.T, open Database) {
	ctx := t.Context()
	a, b := open(t), open(t)
	want := func(store Store, holder string, after time.Duration, want bool) {
		t.Helper()
		got, err := store.Lease(ctx, "relay", holder, epoch.Add(after), 10*time.Second)
		check(t, err)
		if got != want {
			t.Errorf("lease of %s after %v: %v, want %v", holder, after, got, want)
		}
	}
	want(a, "a", 0, true)
	want(b, "b", 5*time.Second, false)
	want(a, "a", 5*time.Second, true)
	want(b, "b", 14*time.Second, false)
	want(b, "b", 15*time.Second, true)
	want(a, "a", 16*time.Second, false)
	check(t, a.ReleaseLease(ctx, "relay", "a")) // not his
	want(a, "a", 17*time.Second, false)
	check(t, b.ReleaseLease(ctx, "relay", "b"))
	check(t, b.ReleaseLease(ctx, "relay", "b"))
	want(a, "a", 17*time.Second, true)
	check(t, a.Ready(ctx))
	check(t, b.Ready(ctx))
	want(b, "b", 18*time.Second, false)
}

// to makes a delivery that is to be routed.
func to(subscription, channel string) register.Delivery {
	return register.Delivery{Subscription: subscription, Channel: channel}
}

// route routes one event.
func route(ctx context.Context, store Store, eventID string, at time.Time, deliveries ...register.Delivery) error {
	for i := range deliveries {
		deliveries[i].Event = eventID
	}
	return store.Route(ctx, []string{eventID}, deliveries, at)
}

// testRouteTogether routes events of which one is routed already, and then with
// one that there is not, which changes nothing.
func testRouteTogether(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	s := watch(t, store, "cz-games")
	s.baseline()
	changes := s.accept(added(entry("a", "")), added(entry("b", "")), added(entry("c", "")))
	check(t, route(ctx, store, changes[1].ID, epoch, to("early", "hook")))
	var ids []string
	var deliveries []register.Delivery
	for _, c := range changes {
		d := to("all", "hook")
		d.Event = c.ID
		ids, deliveries = append(ids, c.ID), append(deliveries, d)
	}
	if err := store.Route(ctx, append(slices.Clone(ids), "none"), deliveries, epoch); !errors.Is(err, register.ErrNotFound) {
		t.Errorf("routing of an unknown event: %v", err)
	}
	count := func(want int) []register.Delivery {
		t.Helper()
		due, err := store.DueDeliveries(ctx, "hook", epoch, 0, 0)
		check(t, err)
		same(t, "deliveries", len(due), want)
		return due
	}
	count(1)
	check(t, store.Route(ctx, ids, deliveries, epoch))
	due := count(3)
	same(t, "in order", []string{due[0].Event, due[1].Event, due[2].Event}, []string{ids[1], ids[0], ids[2]})
	same(t, "what was routed before", due[0].Subscription, "early")
	unrouted, err := store.Unrouted(ctx, time.Now().Add(time.Hour), 0)
	check(t, err)
	same(t, "unrouted", eventIDs(unrouted), []string{})
}

func testRoute(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	s := watch(t, store, "cz-games")
	s.baseline()
	changes := s.accept(added(entry("a", "")), added(entry("b", "")))
	later := time.Now().Add(time.Hour)
	none, err := store.Unrouted(ctx, time.Now().Add(-time.Hour), 0)
	check(t, err)
	same(t, "unrouted long ago", eventIDs(none), []string{})
	unrouted, err := store.Unrouted(ctx, later, 0)
	check(t, err)
	same(t, "unrouted", eventIDs(unrouted), []string{changes[0].ID, changes[1].ID})

	check(t, route(ctx, store, changes[0].ID, epoch, to("apps", "hook"), to("apps", "mail"), to("all", "hook"), to("apps", "hook")))
	check(t, route(ctx, store, changes[0].ID, epoch.Add(time.Hour), to("apps", "hook"), to("late", "hook")))
	check(t, route(ctx, store, changes[1].ID, epoch))
	unrouted, err = store.Unrouted(ctx, later, 0)
	check(t, err)
	same(t, "unrouted", eventIDs(unrouted), []string{})
	deliveries, err := store.Deliveries(ctx, register.DeliveryFilter{})
	check(t, err)
	var want []register.Delivery
	for i, d := range []register.Delivery{to("all", "hook"), to("apps", "mail"), to("apps", "hook")} {
		d.ID, d.Event, d.Register, d.State = deliveries[i].ID, changes[0].ID, s.id, register.DeliveryPending
		d.NextAttempt, d.CreatedAt = epoch, epoch
		want = append(want, d)
	}
	same(t, "deliveries, newest first", deliveries, want)
}

func testDeliveries(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	s := watch(t, store, "cz-games")
	s.baseline()
	event := s.accept(added(entry("a", "")))[0].ID
	late := to("late", "hook")
	late.NextAttempt = epoch.Add(time.Hour)
	check(t, route(ctx, store, event, epoch, late, to("a", "hook"), to("b", "hook"), to("a", "mail")))
	wantDue := func(now time.Time, want ...string) []register.Delivery {
		t.Helper()
		due, err := store.DueDeliveries(ctx, "hook", now, 0, 0)
		check(t, err)
		var got []string
		for _, d := range due {
			got = append(got, d.Subscription)
		}
		same(t, "due", got, want)
		return due
	}
	wantDue(epoch.Add(-time.Second))
	wantDue(epoch.Add(time.Hour), "late", "a", "b")
	wantDue(epoch.Add(-30*24*time.Hour), "late", "a", "b") // the clock that said epoch was wrong
	due := wantDue(epoch, "a", "b")
	first, err := store.DueDeliveries(ctx, "hook", epoch, 0, 1)
	check(t, err)
	same(t, "limited", first, due[:1])
	behind, err := store.DueDeliveries(ctx, "hook", epoch, due[0].ID, 0)
	check(t, err)
	same(t, "behind the first", behind, due[1:])

	failed := register.Attempt{
		Delivery: due[0].ID, Number: 1, StartedAt: epoch, Took: 1234 * time.Microsecond, Status: 503, Error: "busy", RetryAfter: time.Minute,
	}
	next := due[0]
	next.Attempts, next.NextAttempt, next.LastError = 1, epoch.Add(time.Minute), "busy"
	for range 2 { // an answer was lost
		check(t, store.Record(ctx, []register.Result{{Attempt: failed, Delivery: next}}))
	}
	wantDue(epoch, "b")
	same(t, "after a retry was planned", wantDue(epoch.Add(time.Minute), "a", "b")[0], next)
	done := next
	done.State, done.Attempts, done.NextAttempt, done.DoneAt, done.LastError = register.DeliveryDelivered, 2, time.Time{}, epoch.Add(time.Minute), ""
	delivered := register.Attempt{Delivery: due[0].ID, Number: 2, StartedAt: epoch.Add(time.Minute), Status: 200}
	check(t, store.Record(ctx, []register.Result{{Attempt: delivered, Delivery: done}}))
	attempts, err := store.Attempts(ctx, due[0].ID)
	check(t, err)
	same(t, "attempts", attempts, []register.Attempt{failed, delivered})
	dead := due[1]
	dead.State, dead.Attempts, dead.DoneAt, dead.NextAttempt, dead.LastError = register.DeliveryDead, 1, epoch, time.Time{}, "410"
	check(t, store.Record(ctx, []register.Result{{Attempt: register.Attempt{Delivery: dead.ID, Number: 1, StartedAt: epoch, Status: 410}, Delivery: dead}}))
	wantDue(epoch.Add(time.Hour), "late")

	for _, tt := range []struct {
		filter register.DeliveryFilter
		want   []string
	}{
		{register.DeliveryFilter{}, []string{"a", "b", "a", "late"}},
		{register.DeliveryFilter{State: register.DeliveryDead}, []string{"b"}},
		{register.DeliveryFilter{State: register.DeliveryDelivered}, []string{"a"}},
		{register.DeliveryFilter{Channel: "mail"}, []string{"a"}},
		{register.DeliveryFilter{Subscription: "late", Register: s.id}, []string{"late"}},
		{register.DeliveryFilter{IDs: []int64{dead.ID, done.ID}, Limit: 1}, []string{"b"}},
		{register.DeliveryFilter{Register: "ee-sites"}, nil},
	} {
		deliveries, err := store.Deliveries(ctx, tt.filter)
		check(t, err)
		var got []string
		for _, d := range deliveries {
			got = append(got, d.Subscription)
		}
		same(t, "deliveries", got, tt.want)
	}
	stats, err := store.Stats(ctx)
	check(t, err)
	same(t, "counts", stats.Deliveries, map[register.DeliveryState]int64{
		register.DeliveryPending: 2, register.DeliveryDelivered: 1, register.DeliveryDead: 1,
	})
}

// finish records that every pending delivery ended in a state.
func finish(t *testing.T, store Store, state register.DeliveryState) {
	t.Helper()
	pending, err := store.Deliveries(t.Context(), register.DeliveryFilter{State: register.DeliveryPending})
	check(t, err)
	for _, d := range pending {
		d.State, d.Attempts, d.NextAttempt, d.DoneAt, d.LastError = state, 7, time.Time{}, epoch, "over"
		check(t, store.Record(t.Context(), []register.Result{{Attempt: register.Attempt{Delivery: d.ID, Number: 7, StartedAt: epoch}, Delivery: d}}))
	}
}

func testRedeliver(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	s := watch(t, store, "cz-games")
	s.baseline()
	event := s.accept(added(entry("a", "")))[0].ID
	check(t, route(ctx, store, event, epoch, to("a", "hook"), to("b", "hook")))
	finish(t, store, register.DeliveryDead)
	now := epoch.Add(100 * time.Hour)
	if _, err := store.Redeliver(ctx, register.DeliveryFilter{Limit: 5}, now); err == nil {
		t.Error("everything was redelivered by an empty filter")
	}
	n, err := store.Redeliver(ctx, register.DeliveryFilter{State: register.DeliveryDead, Subscription: "b"}, now)
	check(t, err)
	due, err := store.DueDeliveries(ctx, "hook", now, 0, 0)
	check(t, err)
	same(t, "redelivered", n, 1)
	same(t, "due", due, []register.Delivery{{
		ID: due[0].ID, Event: event, Register: s.id, Subscription: "b", Channel: "hook", State: register.DeliveryPending,
		NextAttempt: now, CreatedAt: epoch,
	}})
	attempts, err := store.Attempts(ctx, due[0].ID)
	check(t, err)
	same(t, "attempts that stay", len(attempts), 1)
}

func testReplay(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	s := watch(t, store, "cz-games")
	s.baseline()
	s.accept(added(entry("too early", "")))
	since := s.now.Add(time.Second)
	changes := s.accept(added(entry("a", "")), added(entry("b", "")))
	c := s.next(register.OutcomeChanged)
	c.Run.Origin, c.Accepted = register.Import, []register.Accepted{added(entry("imported", ""))}
	s.commit(c)
	check(t, route(ctx, store, changes[0].ID, epoch, to("apps", "hook")))
	finish(t, store, register.DeliveryDelivered)
	now := epoch.Add(100 * time.Hour)
	routes := func(c register.Change) []register.Delivery {
		if _, err := store.Head(ctx, c.Register); err != nil {
			t.Error(err)
		}
		return []register.Delivery{to("apps", "hook"), to("new", "hook")}
	}
	for _, want := range []int{4, 0} { // what is pending stays
		n, err := store.Replay(ctx, since, routes, now)
		check(t, err)
		same(t, "replayed", n, want)
	}
	due, err := store.DueDeliveries(ctx, "hook", now, 0, 0)
	check(t, err)
	got := map[string]int{}
	for _, d := range due {
		got[d.Event+" "+d.Subscription] = d.Attempts
	}
	same(t, "due", got, map[string]int{
		changes[0].ID + " apps": 0, changes[0].ID + " new": 0, changes[1].ID + " apps": 0, changes[1].ID + " new": 0,
	})
}
