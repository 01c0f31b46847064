package storetest

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func testChangeLog(t *testing.T, open Database) {
	store := open(t)
	games, sites := watch(t, store, "cz-games"), watch(t, store, "ee-sites")
	games.baseline(entry("a", "1"))
	sites.baseline(entry("a", "1"))
	var all []register.Change
	all = append(all, games.accept(added(entry("ČERNÝ Hazard", "100%_\\\"x\"")))...)
	all = append(all, sites.accept(removed(entry("a", "1")))...)
	middle := games.now.Add(time.Minute)
	all = append(all, games.accept(changed(entry("a", "1"), entry("a", "off")))...)
	var many []register.Accepted
	for i := range 1200 { // more than a page
		many = append(many, added(entry("site "+strconv.Itoa(i), "")))
	}
	all = append(all, sites.accept(many...)...)

	for _, tt := range []struct {
		name   string
		filter register.ChangeFilter
		want   []register.Change
	}{
		{"all", register.ChangeFilter{}, all},
		{"limit", register.ChangeFilter{Limit: 2}, all[:2]},
		{"limit over a page", register.ChangeFilter{Limit: 700}, all[:700]},
		{"after a cursor", register.ChangeFilter{AfterCursor: all[1].Cursor, Limit: 1}, all[2:3]},
		{"register", register.ChangeFilter{Register: "cz-games"}, []register.Change{all[0], all[2]}},
		{"kind", register.ChangeFilter{Kind: register.Removed}, all[1:2]},
		{"since", register.ChangeFilter{Since: middle}, all[2:]},
		{"since is inclusive", register.ChangeFilter{Since: all[2].ObservedAt}, all[2:]},
		{"until is exclusive", register.ChangeFilter{Until: all[2].ObservedAt}, all[:2]},
		{"run", register.ChangeFilter{Run: all[2].Run}, all[2:3]},
		{"match, any case", register.ChangeFilter{Match: "černý haz"}, all[:1]},
		{"match of what was", register.ChangeFilter{Match: "1", Kind: register.Changed}, all[2:3]},
		{"match of what LIKE takes for patterns", register.ChangeFilter{Match: `100%_\"X"`}, all[:1]},
		{"a pattern is no pattern", register.ChangeFilter{Match: "%azar_"}, nil},
		{"a quote is no quote", register.ChangeFilter{Match: "' OR 1=1 --"}, nil},
		{"names of fields do not match", register.ChangeFilter{Match: "status"}, nil},
	} {
		same(t, tt.name, collectChanges(t, store, tt.filter), tt.want)
	}
	stop := errors.New("enough")
	if err := store.Changes(t.Context(), register.ChangeFilter{}, func(register.Change) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the error of yield came back as %v", err)
	}
}

func testRuns(t *testing.T, open Database) {
	store := open(t)
	games, sites := watch(t, store, "cz-games"), watch(t, store, "ee-sites")
	var want []register.Run
	for i, outcome := range []register.Outcome{register.OutcomeBaseline, register.OutcomeHeld, register.OutcomeFailed, register.OutcomeUnchanged} {
		for _, s := range []*site{games, sites} {
			c := s.next(outcome)
			c.Run.Reason, c.Run.Class, c.Run.NotModified = "because", "class", i == 3
			c.Run.Read.Odd = map[string]int{"status": i}
			run, _ := s.commit(c)
			c.Run.ID = run.ID
			same(t, "run as committed", run, c.Run)
			want = append([]register.Run{run}, want...)
			stored, err := store.Run(t.Context(), run.ID)
			check(t, err)
			same(t, "run as stored", stored, run)
		}
	}
	for _, tt := range []struct {
		filter register.RunFilter
		want   []register.Run
	}{
		{register.RunFilter{}, want},
		{register.RunFilter{Limit: 3}, want[:3]},
		{register.RunFilter{Register: "cz-games"}, []register.Run{want[1], want[3], want[5], want[7]}},
		{register.RunFilter{Held: true}, want[4:6]},
		{register.RunFilter{Held: true, Register: "ee-sites", Limit: 1}, want[4:5]},
	} {
		runs, err := store.Runs(t.Context(), tt.filter)
		check(t, err)
		same(t, "runs", runs, tt.want)
	}
}

func testRegisters(t *testing.T, open Database) {
	store, ctx := open(t), t.Context()
	s := watch(t, store, "cz-games")
	run := s.baseline(entry("a", "1"))
	last, next := epoch.Add(time.Hour), epoch.Add(2*time.Hour)
	check(t, store.SaveTicks(ctx, "ee-sites", last, time.Time{}))
	check(t, store.SaveTicks(ctx, "ee-sites", time.Time{}, next))
	check(t, store.Pause(ctx, "ua-none"))
	states, err := store.Registers(ctx)
	check(t, err)
	head, err := store.Head(ctx, s.id)
	check(t, err)
	paused := states[2].PausedAt
	same(t, "registers", states, []register.RegisterState{
		{ID: "cz-games", Title: "List of cz-games", Head: head, LastRun: run},
		{ID: "ee-sites", LastTick: last, NextTick: next, Head: register.Head{Register: "ee-sites"}},
		{ID: "ua-none", PausedAt: paused, Head: register.Head{Register: "ua-none"}},
	})
	got, err := store.LastTick(ctx, "ee-sites")
	check(t, err)
	same(t, "last tick", got, last)

	check(t, store.Pause(ctx, "ua-none"))
	states, err = store.Registers(ctx)
	check(t, err)
	if paused.IsZero() || !states[2].PausedAt.Equal(paused) {
		t.Errorf("paused at %v, and then at %v", paused, states[2].PausedAt)
	}
	for _, want := range []bool{true, false, false} {
		is, err := store.Paused(ctx, "ua-none")
		check(t, err)
		same(t, "paused", is, want)
		check(t, store.Resume(ctx, "ua-none"))
	}
	ids := slices.Collect(func(yield func(string) bool) {
		for _, r := range states {
			if !yield(r.ID) {
				return
			}
		}
	})
	same(t, "ids", ids, []string{"cz-games", "ee-sites", "ua-none"})
}

func testKeep(t *testing.T, open Database) {
	store := open(t)
	s := watch(t, store, "cz-games")
	body := func(c register.Commit) string { return c.Run.Pages[0].SHA256 }
	keep := map[string]bool{}
	commit := func(c register.Commit, kept bool) register.RunID {
		keep[body(c)] = kept
		run, _ := s.commit(c)
		return run.ID
	}
	at := func(hours int) { s.now = epoch.Truncate(24 * time.Hour).Add(time.Duration(hours) * time.Hour) }
	a, b := entry("a", "1"), entry("b", "1")

	at(0)
	c := s.next(register.OutcomeBaseline)
	c.Baseline = register.All([]register.Entry{a, b})
	commit(c, true) // a baseline
	commit(s.next(register.OutcomeUnchanged), false)
	c = s.next(register.OutcomeHeld)
	commit(c, true)                                 // held
	commit(s.next(register.OutcomeUnchanged), true) // the day's last whole one
	commit(s.next(register.OutcomeFailed), false)
	at(24)
	c = s.next(register.OutcomeChanged)
	c.Accepted = []register.Accepted{added(entry("c", ""))}
	commit(c, true)                                           // a change rests on it
	showed := commit(s.next(register.OutcomeUnchanged), true) // last to show b, which is missing since
	c = s.next(register.OutcomeUnchanged)
	c.Run.Proof = nil
	part := commit(c, true) // a cut page, which something of the head is on
	c = s.next(register.OutcomeUnchanged)
	c.Memory.Missing = []register.Missing{{Key: b.Key, Content: b.Content, Since: s.now, Seen: showed, Parts: []register.RunID{part}}}
	commit(c, false)
	head, err := store.Head(t.Context(), s.id)
	check(t, err)
	missing := head.Memory
	next := func(outcome register.Outcome) register.Commit {
		c := s.next(outcome)
		c.Memory = missing
		return c
	}
	commit(next(register.OutcomeUnchanged), true) // the day's last whole one
	at(48)
	commit(next(register.OutcomeFailed), false)
	commit(next(register.OutcomeFailed), true) // the day's last, and no whole one
	at(72)
	commit(next(register.OutcomeUnchanged), true) // the head's last sighting
	now := s.now
	at(24 * 30)
	c = next(register.OutcomeFailed)
	c.Run.Pages = nil
	s.commit(c)
	for at, young := range map[time.Time]bool{now.Add(10 * time.Hour): true, now.Add(10000 * time.Hour): false} {
		got, err := store.Keep(t.Context(), at, 200*time.Hour)
		check(t, err)
		for hash, forever := range keep {
			if got[hash] != (forever || young) {
				t.Errorf("%s, asked at %v: keep %v, want %v", hash, at, got[hash], forever || young)
			}
		}
	}
}
