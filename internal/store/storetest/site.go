package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
)

// epoch is when the watch of every test begins.
var epoch = time.Date(2025, 12, 23, 2, 27, 29, 123456000, time.UTC)

// tester is a test, or one try of a property.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// site is a register under watch: it makes the commits of a pipeline that
// believes what the test says.
type site struct {
	t     tester
	store Store
	id    string
	now   time.Time // moves an hour with every commit
}

func watch(t tester, store Store, id string) *site {
	return &site{t: t, store: store, id: id, now: epoch}
}

// whole is the proof of a complete fetch.
func whole() register.Proof {
	return register.Proof{{Name: register.CheckFraming, Verdict: register.Pass, Detail: "1234 bytes as announced"}}
}

// next gives the commit of a complete watch run now, of the head as it is.
func (s *site) next(outcome register.Outcome) register.Commit {
	s.t.Helper()
	head, err := s.store.Head(s.t.Context(), s.id)
	check(s.t, err)
	s.now = s.now.Add(time.Hour)
	published := s.now.Add(-30 * time.Minute)
	return register.Commit{HeadVersion: head.Version, Run: register.Run{
		Register: s.id, Tick: s.now.Add(-time.Minute), Trigger: register.TriggerSchedule, Origin: register.Watch,
		StartedAt: s.now.Add(-time.Second), ObservedAt: s.now, FinishedAt: s.now.Add(time.Second),
		Outcome: outcome, Proof: whole(), Read: register.ReadCounts{Rows: 3}, PublishedAt: &published, Fingerprint: "reader-1",
		Pages: []register.Page{{URL: "https://register.example/list.csv", SHA256: "body of " + s.id + " at " + s.now.Format(time.RFC3339), Bytes: 1234}},
		Source: register.RunDefinition{
			Title: "List of " + s.id, Authority: "Authority", Country: "CZ", Attribution: "by licence", URL: "https://register.example/",
		},
	}}
}

// commit commits, and fails the test if it can not.
func (s *site) commit(c register.Commit) (register.Run, []register.Change) {
	s.t.Helper()
	run, changes, err := s.store.Commit(s.t.Context(), c)
	check(s.t, err)
	return run, changes
}

// baseline is the first complete fetch.
func (s *site) baseline(entries ...register.Entry) register.Run {
	s.t.Helper()
	c := s.next(register.OutcomeBaseline)
	c.Baseline = register.All(entries)
	run, _ := s.commit(c)
	return run
}

// accept commits changes.
func (s *site) accept(accepted ...register.Accepted) []register.Change {
	s.t.Helper()
	c := s.next(register.OutcomeChanged)
	c.Accepted = accepted
	_, changes := s.commit(c)
	return changes
}

// signal commits a run that signals states.
func (s *site) signal(states ...register.State) {
	s.t.Helper()
	c := s.next(register.OutcomeFailed)
	for _, state := range states {
		c.Signals = append(c.Signals, register.Signal{State: state, Reason: "for a test", Counts: map[string]int{"removed": 3}})
	}
	s.commit(c)
}

// sees fails the test unless the head holds exactly these entries.
func (s *site) sees(want ...register.Entry) {
	s.t.Helper()
	got, err := s.store.HeadEntries(s.t.Context(), s.id)
	check(s.t, err)
	same(s.t, "head entries", inOrder(got), inOrder(want))
	head, err := s.store.Head(s.t.Context(), s.id)
	check(s.t, err)
	if head.Entries != len(want) {
		s.t.Errorf("head counts %d entries, want %d", head.Entries, len(want))
	}
}

// asOf gives the listings at an instant.
func (s *site) asOf(at time.Time) []register.Listing {
	s.t.Helper()
	var listings []register.Listing
	check(s.t, s.store.AsOf(s.t.Context(), s.id, at, func(l register.Listing) error {
		listings = append(listings, l)
		return nil
	}))
	return listings
}

// entry makes an entry of a name and a status; the name is its key.
func entry(name, status string) register.Entry {
	fields := register.Values{{Name: "name", Text: name}}
	if status != "" {
		fields = append(fields, register.Value{Name: "status", Text: status})
	}
	return register.Entry{Key: register.NewKey(name), Fields: fields, Content: register.ContentHash(fields)}
}

func added(e register.Entry) register.Accepted {
	return register.Accepted{Kind: register.Added, After: &e}
}

func removed(e register.Entry) register.Accepted {
	return register.Accepted{Kind: register.Removed, Before: &e}
}

func changed(before, after register.Entry) register.Accepted {
	return register.Accepted{Kind: register.Changed, Before: &before, After: &after}
}

func rekeyed(before, after register.Entry) register.Accepted {
	return register.Accepted{Kind: register.Rekeyed, Before: &before, After: &after}
}

func relisted(e register.Entry, earlier ...register.Period) register.Accepted {
	return register.Accepted{Kind: register.Relisted, After: &e, Earlier: earlier}
}

// absent is a removal that was confirmed: the entry was missing since a run.
func absent(e register.Entry, since register.Run) register.Accepted {
	return register.Accepted{Kind: register.Removed, Before: &e, MissingSince: since.ObservedAt, MissingRun: since.ID}
}

// inOrder gives entries in the order of key and content, to compare sets.
func inOrder(entries []register.Entry) []register.Entry {
	return slices.SortedFunc(slices.Values(entries), compareEntries)
}

func compareEntries(a, b register.Entry) int {
	if a.Key != b.Key {
		if a.Key < b.Key {
			return -1
		}
		return 1
	}
	return slices.Compare(a.Content[:], b.Content[:])
}

func check(t tester, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

func same(t tester, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// entriesOf gives the entries of listings.
func entriesOf(listings []register.Listing) []register.Entry {
	var entries []register.Entry
	for _, l := range listings {
		entries = append(entries, l.Entry)
	}
	return entries
}

// collectChanges gives the changes that a filter names.
func collectChanges(t tester, store Store, filter register.ChangeFilter) []register.Change {
	t.Helper()
	var changes []register.Change
	check(t, store.Changes(t.Context(), filter, func(c register.Change) error {
		changes = append(changes, c)
		return nil
	}))
	return changes
}
