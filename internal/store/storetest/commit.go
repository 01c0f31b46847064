package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func testEmpty(t *testing.T, open Database) {
	s, ctx := open(t), t.Context()
	head, err := s.Head(ctx, "cz-none")
	check(t, err)
	same(t, "head", head, register.Head{Register: "cz-none"})
	entries, err := s.HeadEntries(ctx, "cz-none")
	check(t, err)
	periods, err := s.Periods(ctx, "cz-none", []register.Key{`["a"]`})
	check(t, err)
	unpublished, err := s.Unpublished(ctx, 0, 10)
	check(t, err)
	if len(entries)+len(periods)+len(unpublished) != 0 {
		t.Errorf("an empty store has entries %v, periods %v, events %v", entries, periods, unpublished)
	}
	last, err := s.LastTick(ctx, "cz-none")
	check(t, err)
	if !last.IsZero() {
		t.Errorf("an empty store has a tick at %v", last)
	}
	for what, err := range map[string]error{
		"as of":  s.AsOf(ctx, "cz-none", time.Time{}, nil),
		"net":    s.Net(ctx, "cz-none", epoch, epoch, nil),
		"change": second(s.Change(ctx, "none")),
		"run":    second(s.Run(ctx, 1)),
		"entry":  second(s.Entry(ctx, "cz-none", `["a"]`)),
		"route":  s.Route(ctx, []string{"none"}, nil, epoch),
		"record": s.Record(ctx, []register.Result{{Attempt: register.Attempt{Delivery: 1, StartedAt: epoch}, Delivery: register.Delivery{State: register.DeliveryDead}}}),
	} {
		if !errors.Is(err, register.ErrNotFound) {
			t.Errorf("%s of nothing: %v, want not found", what, err)
		}
	}
	check(t, s.Check(ctx))
}

// second gives the error of an answer that nobody looks at.
func second[T any](_ T, err error) error { return err }

func testBaseline(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, b := entry("B <Casino> & co", "on"), entry("Čáslav", "")
	run := s.baseline(b, a)
	if run.ID == 0 || run.Entries != 2 || run.Counts.Total() != 0 {
		t.Errorf("run %s counts %d entries and %+v", run.ID, run.Entries, run.Counts)
	}
	s.sees(a, b)
	head, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	same(t, "head", head, register.Head{
		Register: s.id, Version: 1, Baselined: true, Run: run.ID, SeenRun: run.ID, BelievedRun: run.ID, SeenAt: s.now, Entries: 2,
		Fingerprint: "reader-1", Origin: register.Watch,
	})
	if changes := collectChanges(t, s.store, register.ChangeFilter{}); len(changes) != 0 {
		t.Errorf("a baseline made changes: %v", changes)
	}
	found, err := s.store.EntriesOf(t.Context(), s.id, []register.Missing{
		{Key: b.Key, Content: b.Content}, {Key: a.Key, Content: b.Content}, {Key: a.Key, Content: a.Content},
	})
	check(t, err)
	same(t, "entries of", found, []register.Entry{b, a})
	check(t, s.store.Check(t.Context()))
}

func testKinds(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, b, c := entry("a", "1"), entry("b", "1"), entry("c", "1")
	s.baseline(a, b, c)
	begun := s.now
	a2, d, e := entry("a", "2"), entry("d", "1"), entry("e", "")
	d.Fields = append(d.Fields, register.Value{Name: register.FieldListedOn, Text: "2025-12-22"})
	earlier := register.Period{From: epoch.Add(-48 * time.Hour), To: epoch.Add(-24 * time.Hour)}
	changes := s.accept(added(d), changed(a, a2), rekeyed(b, entry("b2", "1")), relisted(e, earlier), removed(c))
	s.sees(a2, entry("b2", "1"), d, e)
	if len(changes) != 5 {
		t.Fatalf("%d changes, want 5", len(changes))
	}
	previous := b.Key
	wants := []register.Change{
		{Kind: register.Added, Key: d.Key, After: d.Fields, FirstSeen: s.now, ListedOn: "2025-12-22"},
		{Kind: register.Changed, Key: a.Key, Before: a.Fields, After: a2.Fields, FirstSeen: begun, Differences: map[string]register.Difference{"status": {"1", "2"}}},
		{
			Kind: register.Rekeyed, Key: register.NewKey("b2"), PreviousKey: &previous, Before: b.Fields, After: entry("b2", "1").Fields,
			FirstSeen: begun, Differences: map[string]register.Difference{"name": {"b", "b2"}},
		},
		{Kind: register.Relisted, Key: e.Key, After: e.Fields, FirstSeen: s.now, EarlierPeriods: []register.Period{earlier}},
		{Kind: register.Removed, Key: c.Key, Before: c.Fields, FirstSeen: begun},
	}
	run, err := s.store.Run(t.Context(), changes[0].Run)
	check(t, err)
	same(t, "counts", run.Counts, register.Counts{Added: 1, Removed: 1, Changed: 1, Relisted: 1, Rekeyed: 1})
	for i, want := range wants {
		sequence := int64(i + 1)
		want.ID, want.Cursor, want.Sequence = changes[i].ID, int64(i+1), &sequence
		want.Register, want.Title, want.Authority, want.Country, want.Attribution = s.id, "List of cz-games", "Authority", "CZ", "by licence"
		want.Origin, want.ObservedAt, want.LastSeen = register.Watch, s.now, s.now
		want.EntryID, want.Run, want.Evidence = want.Key.ID(s.id), run.ID, run.Evidence()
		if want.EarlierPeriods == nil {
			want.EarlierPeriods = []register.Period{}
		}
		same(t, "change as committed", changes[i], want)
		stored, err := s.store.Change(t.Context(), want.ID)
		check(t, err)
		same(t, "change as stored", stored, want)
	}
	same(t, "id", changes[0].ID, register.ChangeID(s.id, 0, 1, added(d)))
	events, err := s.store.Events(t.Context(), []string{changes[4].ID, changes[0].ID, changes[1].ID, changes[2].ID, changes[3].ID})
	check(t, err)
	rows, err := s.store.Unpublished(t.Context(), 0, 0)
	check(t, err)
	same(t, "events as they were committed, and as the outbox has them", events, rows)
	for i, event := range events {
		same(t, "change of the event", *event.Change, changes[i])
	}
	check(t, s.store.Check(t.Context()))
}

func testOrigins(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	s.baseline(entry("a", "1"))
	for _, origin := range []register.Origin{register.Import, register.Upgrade} {
		c := s.next(register.OutcomeChanged)
		c.Run.Origin, c.Run.Trigger = origin, register.TriggerImport
		if origin == register.Upgrade {
			c.Run.Trigger, c.Run.Fingerprint = register.TriggerUpgrade, "reader-2"
		}
		c.Accepted = []register.Accepted{added(entry("by "+string(origin), ""))}
		run, changes := s.commit(c)
		if changes[0].Sequence != nil || changes[0].ID != register.ChangeID(s.id, run.ID, 1, c.Accepted[0]) {
			t.Errorf("%s: sequence %v, id %s", origin, changes[0].Sequence, changes[0].ID)
		}
	}
	head, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	same(t, "origin after an import and an upgrade", head.Origin, register.Import)
	same(t, "fingerprint after an upgrade", head.Fingerprint, "reader-2")
	c := s.next(register.OutcomeUnchanged) // it reads pages that could not be proved whole
	c.Run.Origin, c.Run.Trigger, c.Run.Fingerprint, c.Run.Proof[0].Verdict = register.Upgrade, register.TriggerUpgrade, "reader-3", register.Lack
	s.commit(c)
	head, err = s.store.Head(t.Context(), s.id)
	check(t, err)
	same(t, "fingerprint after another", head.Fingerprint, "reader-3")
	s.accept(added(entry("by watch", "")))
	events, err := s.store.Unpublished(t.Context(), 0, 0)
	check(t, err)
	if len(events) != 1 || *events[0].Change.Sequence != 1 || events[0].Change.Cursor != 3 || events[0].Change.After.Get("name") != "by watch" {
		t.Errorf("outbox has %v, want the watched change alone", events)
	}
}

func testFailedRun(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a := entry("a", "1")
	s.baseline(a)
	before, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	c := s.next(register.OutcomeFailed)
	c.Run.ObservedAt, c.Run.Fingerprint, c.Run.Class, c.Run.Reason = time.Time{}, "reader-2", register.ClassStatus, "503"
	c.Memory.Failing = &register.Failing{Class: register.ClassStatus, Reason: "503", Since: s.now, Runs: 1}
	c.Signals = []register.Signal{{State: register.StateFailed, Class: register.ClassStatus, Reason: "503", Sample: []string{"x"}}}
	run, changes := s.commit(c)
	if len(changes) != 0 || run.Entries != 1 {
		t.Errorf("a failed run has %d changes and %d entries", len(changes), run.Entries)
	}
	s.sees(a)
	head, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	want := before
	want.Version, want.Memory.Failing = before.Version+1, c.Memory.Failing
	same(t, "head", head, want)
	events, err := s.store.Unpublished(t.Context(), 0, 0)
	check(t, err)
	if len(events) != 1 || events[0].Signal == nil {
		t.Fatalf("outbox has %v, want one signal", events)
	}
	signal := c.Signals[0]
	signal.ID, signal.Register, signal.Title, signal.Run = register.SignalID(s.id, run.ID, signal.State, 1), s.id, "List of cz-games", run.ID
	signal.At = events[0].CommittedAt
	same(t, "signal", *events[0].Signal, signal)
}

func testSightings(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, b := entry("a", "1"), entry("b", "1")
	s.baseline(a, b)
	c := s.next(register.OutcomeUnchanged)
	c.Memory.Missing = []register.Missing{{Key: b.Key, Content: b.Content, Since: s.now, Tick: c.Run.Tick, Ticks: 1, LastSeen: epoch.Add(time.Hour)}}
	run, _ := s.commit(c)
	head, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	if head.SeenRun != run.ID || !head.SeenAt.Equal(s.now) || head.Run == run.ID || run.Waiting != 1 {
		t.Errorf("after an unchanged run: head %+v, run %+v", head, run)
	}
	if head.Memory.Missing[0].Run != run.ID || c.Memory.Missing[0].Run != 0 {
		t.Errorf("missing since run %s (the commit's own says %s), want %s", head.Memory.Missing[0].Run, c.Memory.Missing[0].Run, run.ID)
	}
	p := s.next(register.OutcomeUnchanged)
	p.Run.Partial, p.Run.Proof[0].Verdict, p.Run.Fingerprint, p.Memory = true, register.Lack, "reader-2", head.Memory
	s.commit(p)
	after, err := s.store.Head(t.Context(), s.id)
	check(t, err)
	if after.SeenRun != run.ID || after.Fingerprint != "reader-1" || after.Memory.Missing[0].Run != run.ID {
		t.Errorf("a partial run became the last sighting: %+v", after)
	}
}

func testTell(t *testing.T, open Database) {
	store := open(t)
	s := watch(t, store, "cz-told")
	tell := func(version int64) error {
		return store.Tell(t.Context(), register.Commit{
			HeadVersion: version, Run: register.Run{Register: s.id},
			Memory:  register.Memory{Silence: register.Silence{Stale: true}},
			Signals: []register.Signal{{State: register.StateStale, Reason: "for a test", At: epoch}},
		})
	}
	attempt, err := store.LastAttempt(t.Context(), s.id)
	check(t, err)
	same(t, "an attempt of a register that never ran", attempt, time.Time{})
	check(t, tell(0)) // nobody ran it, ever

	run := s.baseline(entry("a", "x"))
	if attempt, err = store.LastAttempt(t.Context(), s.id); err != nil || !attempt.Equal(run.StartedAt) {
		t.Errorf("last attempt %v, %v; want %v", attempt, err, run.StartedAt)
	}
	if err := tell(1); !errors.Is(err, register.ErrHeadMoved) {
		t.Errorf("of a head that has moved: %v", err)
	}
	before, err := store.Head(t.Context(), s.id)
	check(t, err)
	same(t, "the memory of a run takes the other's place", before.Memory.Silence.Stale, false)
	check(t, tell(before.Version))
	after, err := store.Head(t.Context(), s.id)
	check(t, err)
	before.Version, before.Memory.Silence.Stale = before.Version+1, true
	same(t, "head", after, before)
	s.sees(entry("a", "x"))

	events, err := store.Unpublished(t.Context(), 0, 10)
	check(t, err)
	var runs []register.RunID
	for _, e := range events {
		runs = append(runs, e.Signal.Run)
		same(t, "state", e.Signal.State, register.StateStale)
	}
	same(t, "runs that the signals name", runs, []register.RunID{0, run.ID})
	if all, err := store.Runs(t.Context(), register.RunFilter{Register: s.id}); err != nil || len(all) != 1 {
		t.Errorf("%d runs, %v; to tell is no run", len(all), err)
	}
}
