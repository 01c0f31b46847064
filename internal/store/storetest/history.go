package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func testAbsence(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, b := entry("a", "1"), entry("b", "1")
	base := s.baseline(a, b)
	c := s.next(register.OutcomeUnchanged)
	c.Memory.Missing = []register.Missing{{Key: b.Key, Content: b.Content, Since: s.now, LastSeen: base.ObservedAt}}
	lacked, _ := s.commit(c)

	waiting := s.asOf(lacked.ObservedAt)
	since := lacked.ObservedAt
	same(t, "while it waits", waiting, []register.Listing{
		{Entry: a, FirstSeen: base.ObservedAt, From: base.ObservedAt, LastSeen: lacked.ObservedAt},
		{Entry: b, FirstSeen: base.ObservedAt, From: base.ObservedAt, LastSeen: base.ObservedAt, MissingSince: &since},
	})
	same(t, "before it was missing", s.asOf(since.Add(-time.Second))[1].MissingSince, (*time.Time)(nil))

	change := s.accept(absent(b, lacked))[0]
	s.sees(a)
	if change.MissingSince == nil || !change.MissingSince.Equal(since) || !change.LastSeen.Equal(base.ObservedAt) || !change.ObservedAt.Equal(s.now) {
		t.Errorf("missing since %v, last seen %v, observed at %v; want %v, %v, %v",
			change.MissingSince, change.LastSeen, change.ObservedAt, since, base.ObservedAt, s.now)
	}
	same(t, "as of the fetch that lacked it", entriesOf(s.asOf(since)), []register.Entry{a})
	same(t, "as of just before", len(s.asOf(since.Add(-time.Microsecond))), 2)
}

func testStatement(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a := entry("a", "1")
	a.Fields = append(a.Fields, register.Value{Name: register.FieldListedOn, Text: "2020-05"})
	s.baseline(a)
	row := a
	row.Fields = append(row.Fields[:2:2], register.Value{Name: register.FieldDelistedOn, Text: "2025-12-23T00:00:00Z"})
	statement := removed(a)
	statement.After = &row
	change := s.accept(statement)[0]
	if change.After != nil || change.DelistedOn != "2025-12-23" || change.ListedOn != "2020-05" || change.MissingSince != nil {
		t.Errorf("removal by statement: %+v", change)
	}
	stored, err := s.store.Change(t.Context(), change.ID)
	check(t, err)
	same(t, "as stored", stored, change)
	s.sees()
	again := a
	again.Fields = append(slices.Clip(a.Fields[:2]), register.Value{Name: register.FieldListedOn, Text: "soon"})
	if change := s.accept(relisted(again))[0]; change.ListedOn != "" {
		t.Errorf("listed on %q, want none", change.ListedOn)
	}
}

func testPlaces(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	x1, x2 := entry("x", "1"), entry("x", "2")
	s.baseline(x1, x2)
	s.accept(changed(x1, x2), removed(x2)) // the new content was another entry's until now
	s.sees(x2)
	s.accept(removed(x2), added(x2)) // the key was reused, by the same words
	s.sees(x2)
}

func testSharedKey(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	x1, x2, x3 := entry("x", "1"), entry("x", "2"), entry("x", "3")
	s.baseline(x1)
	s.accept(added(x2))
	s.accept(changed(x1, x3))
	s.sees(x2, x3)
	s.accept(removed(x3))
	periods, err := s.store.Periods(t.Context(), s.id, []register.Key{x1.Key})
	check(t, err)
	same(t, "periods while one is listed", periods, map[register.Key][]register.Period{})
	s.accept(removed(x2))
	periods, err = s.store.Periods(t.Context(), s.id, []register.Key{x1.Key})
	check(t, err)
	same(t, "periods", periods, map[register.Key][]register.Period{x1.Key: {{From: epoch.Add(time.Hour), To: s.now}}})
}

func testPeriods(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, b, other := entry("a", "1"), entry("b", "1"), entry("other", "")
	s.baseline(a, b)
	begun := s.now
	s.accept(changed(a, entry("a", "2")))
	lacked, _ := s.commit(s.next(register.OutcomeUnchanged))
	s.accept(absent(entry("a", "2"), lacked))
	first := register.Period{From: begun, To: lacked.ObservedAt}
	s.accept(relisted(a, first))
	back := s.now
	want := func(periods ...register.Period) {
		t.Helper()
		got, err := s.store.Periods(t.Context(), s.id, []register.Key{a.Key, b.Key, other.Key})
		check(t, err)
		same(t, "periods", got, map[register.Key][]register.Period{a.Key: periods})
	}
	want(first)
	s.accept(removed(a))
	want(first, register.Period{From: back, To: s.now})
	elsewhere, err := s.store.Periods(t.Context(), "cz-other", []register.Key{a.Key})
	check(t, err)
	same(t, "periods in another register", elsewhere, map[register.Key][]register.Period{})
}

func testListedAgainAtOnce(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, again, other := entry("a", "1"), entry("a", "2"), entry("b", "1")
	s.baseline(a, other)
	first := register.Period{From: s.now}
	row := a
	statement := removed(a)
	statement.After = &row
	change := s.accept(statement, relisted(again))[1]
	first.To = s.now
	same(t, "earlier periods", change.EarlierPeriods, []register.Period{first})
	stored, err := s.store.Change(t.Context(), change.ID)
	check(t, err)
	same(t, "as stored", stored, change)
	second := register.Period{From: s.now}
	s.accept(changed(again, entry("a", "3"))) // a change of content ends nothing
	s.accept(removed(entry("a", "3")))
	second.To = s.now
	periods, err := s.store.Periods(t.Context(), s.id, []register.Key{a.Key})
	check(t, err)
	same(t, "periods", periods, map[register.Key][]register.Period{a.Key: {first, second}})
}

func testAsOf(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	ctx := t.Context()
	c := s.next(register.OutcomeFailed)
	s.commit(c)
	wantNotFound(t, s.store.AsOf(ctx, s.id, time.Time{}, nil), "no fetch of it was complete")
	a := entry("a", "1")
	s.baseline(a)
	begun := s.now
	wantNotFound(t, s.store.AsOf(ctx, s.id, begun.Add(-time.Microsecond), nil), "known since "+begun.Format(time.RFC3339))
	wantNotFound(t, s.store.Net(ctx, s.id, begun.Add(-time.Hour), begun, nil), "known since")
	a2, b := entry("a", "2"), entry("b", "1")
	s.accept(changed(a, a2), added(b))
	ended := s.now
	same(t, "before the change", s.asOf(ended.Add(-time.Microsecond)), []register.Listing{
		{Entry: a, FirstSeen: begun, From: begun, To: &ended, LastSeen: begun},
	})
	now := []register.Listing{
		{Entry: a2, FirstSeen: begun, From: ended, LastSeen: ended}, {Entry: b, FirstSeen: ended, From: ended, LastSeen: ended},
	}
	same(t, "at the change", s.asOf(ended), now)
	same(t, "long after", s.asOf(ended.Add(1000*time.Hour)), now)
	same(t, "now", s.asOf(time.Time{}), now)
	order := watch(t, s.store, "cz-order")
	order.baseline(b, a)
	order.accept(removed(b), added(entry("0", "")))
	first := order.now
	order.accept(added(b))
	same(t, "as they joined, one ended", entriesOf(order.asOf(first.Add(-time.Second))), []register.Entry{b, a})
	same(t, "as they joined", entriesOf(order.asOf(time.Time{})), []register.Entry{a, entry("0", ""), b})
	stop := errors.New("enough")
	if err := s.store.AsOf(ctx, s.id, ended, func(register.Listing) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of yield came back as %v", err)
	}
	inside := 0
	check(t, s.store.AsOf(ctx, s.id, ended, func(register.Listing) error {
		inside++
		_, err := s.store.Head(ctx, s.id)
		return errors.Join(err, s.store.SaveTicks(ctx, s.id, s.now, s.now))
	}))
	same(t, "calls of the store from yield", inside, 2)
}

func wantNotFound(t *testing.T, err error, says string) {
	t.Helper()
	if !errors.Is(err, register.ErrNotFound) || !strings.Contains(err.Error(), says) {
		t.Errorf("error %v, want not found, saying %q", err, says)
	}
}

func testNet(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, a2, b, c, x1, x2 := entry("a", "1"), entry("a", "2"), entry("b", "1"), entry("c", "1"), entry("x", "1"), entry("x", "2")
	s.baseline(a, b, x1)
	from := s.now
	s.accept(changed(a, a2), added(c), removed(b), added(x2))
	middle := s.now
	s.accept(relisted(b), removed(c)) // b came back as it was, c came and went
	s.accept(added(entry("d", "")), removed(x1))
	d := entry("d", "")
	net := func(from, to time.Time) []register.Accepted {
		var differences []register.Accepted
		check(t, s.store.Net(t.Context(), s.id, from, to, func(a register.Accepted) error {
			differences = append(differences, a)
			return nil
		}))
		return differences
	}
	same(t, "net", net(from, s.now), []register.Accepted{changed(a, a2), added(d), changed(x1, x2)})
	same(t, "of the first run", net(from, middle), []register.Accepted{changed(a, a2), removed(b), added(c), added(x2)})
	same(t, "of nothing", net(s.now, s.now.Add(time.Hour)), []register.Accepted(nil))
	if err := s.store.Net(t.Context(), s.id, s.now, from, nil); err == nil || errors.Is(err, register.ErrNotFound) {
		t.Errorf("net of reversed instants: %v", err)
	}
}

func testEntry(t *testing.T, open Database) {
	s := watch(t, open(t), "cz-games")
	a, a2 := entry("a", "1"), entry("a", "2")
	s.baseline(a)
	begun := s.now
	changes := s.accept(changed(a, a2), added(entry("b", "")))
	amended := s.now
	changes = append(changes[:1:1], s.accept(rekeyed(a2, entry("A", "2")))...)
	moved := s.now
	history, err := s.store.Entry(t.Context(), s.id, a.Key)
	check(t, err)
	same(t, "history", history, register.EntryHistory{
		Register: s.id, ID: a.Key.ID(s.id), Key: a.Key, Changes: changes,
		Listings: []register.Listing{
			{Entry: a, FirstSeen: begun, From: begun, To: &amended, LastSeen: begun},
			{Entry: a2, FirstSeen: begun, From: amended, To: &moved, LastSeen: amended},
		},
	})
	after, err := s.store.EntryByID(t.Context(), s.id, register.NewKey("A").ID(s.id))
	check(t, err)
	same(t, "history under the new key", after, register.EntryHistory{
		Register: s.id, ID: after.ID, Key: register.NewKey("A"), Changes: changes[1:],
		Listings: []register.Listing{{Entry: entry("A", "2"), FirstSeen: begun, From: moved, LastSeen: moved}},
	})
}
