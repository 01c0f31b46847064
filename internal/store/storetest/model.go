package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

// belief is the whole register as it is believed to have stood from an instant
// on. The model keeps one for each run, so that a removal which is dated back
// must be taken out of each: nothing of it resembles intervals.
type belief struct {
	at      time.Time
	run     register.Run
	entries map[string]register.Entry // by key and content
}

// model is a history as naive as can be, beside the register that it models.
type model struct {
	*site
	rt      *rapid.T
	history []belief
	log     []register.Change
}

func place(e register.Entry) string { return string(e.Key) + e.Content.String() }

func (m *model) now() map[string]register.Entry { return m.history[len(m.history)-1].entries }

// testModel commits at random, and asks for the register as of any instant.
func testModel(t *testing.T, open Database) {
	store := open(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := &model{site: watch(rt, store, fmt.Sprintf("cz-model-%d", n)), rt: rt}
		m.begin()
		for range rapid.IntRange(1, 12).Draw(rt, "runs") {
			m.step()
		}
		m.compare()
	})
	check(t, store.Check(t.Context()))
}

func (m *model) draw(label string) register.Entry {
	name := rapid.SampledFrom([]string{"a", "b", "c", "d", "<é & \u200bž>", ""}).Draw(m.rt, label)
	return entry(name, rapid.SampledFrom([]string{"", "1", "2"}).Draw(m.rt, label+" status"))
}

func (m *model) begin() {
	entries := map[string]register.Entry{}
	for range rapid.IntRange(0, 5).Draw(m.rt, "baseline") {
		e := m.draw("entry")
		entries[place(e)] = e
	}
	run := m.baseline(slices.Collect(maps.Values(entries))...)
	m.history = []belief{{run.ObservedAt, run, entries}}
}

// step makes a failed run, or one that accepts some changes, or none.
func (m *model) step() {
	outcome := rapid.SampledFrom([]register.Outcome{
		register.OutcomeFailed, register.OutcomeUnchanged, register.OutcomeChanged, register.OutcomeHeld,
	}).Draw(m.rt, "outcome")
	c := m.next(outcome)
	after := maps.Clone(m.now())
	if outcome == register.OutcomeChanged || outcome == register.OutcomeHeld {
		used := map[string]bool{}
		for range rapid.IntRange(0, 4).Draw(m.rt, "changes") {
			if a, possible := m.change(after, used); possible {
				c.Accepted = append(c.Accepted, a)
			}
		}
	}
	run, changes := m.commit(c)
	m.log = append(m.log, changes...)
	for _, a := range c.Accepted {
		if !a.MissingSince.IsZero() {
			m.forget(a)
		}
	}
	m.history = append(m.history, belief{run.ObservedAt, run, after})
}

// change draws one difference of what is believed, and applies it. No entry
// takes part twice.
func (m *model) change(after map[string]register.Entry, used map[string]bool) (register.Accepted, bool) {
	present := slices.SortedFunc(maps.Values(after), compareEntries)
	present = slices.DeleteFunc(present, func(e register.Entry) bool { return used[place(e)] })
	next := m.draw("next")
	_, taken := after[place(next)]
	free := !taken && !used[place(next)]
	kind := rapid.SampledFrom(register.Kinds).Draw(m.rt, "kind")
	if kind == register.Added || kind == register.Relisted {
		if !free {
			return register.Accepted{}, false
		}
		used[place(next)], after[place(next)] = true, next
		return register.Accepted{Kind: kind, After: &next}, true
	}
	if len(present) == 0 {
		return register.Accepted{}, false
	}
	before := rapid.SampledFrom(present).Draw(m.rt, "before")
	if kind != register.Removed && !free {
		return register.Accepted{}, false
	}
	used[place(before)] = true
	delete(after, place(before))
	if kind != register.Removed {
		used[place(next)], after[place(next)] = true, next
		return register.Accepted{Kind: kind, Before: &before, After: &next}, true
	}
	if run, lacked := m.lacked(before); lacked {
		return absent(before, run), true
	}
	return removed(before), true
}

// lacked draws a run since which the entry may have been missing: any that came
// after it appeared, or none.
func (m *model) lacked(e register.Entry) (register.Run, bool) {
	var since []register.Run
	for _, b := range slices.Backward(m.history[1:]) {
		if _, listed := b.entries[place(e)]; !listed {
			break
		}
		if b.run.Outcome != register.OutcomeFailed {
			since = append(since, b.run)
		}
	}
	if len(since) > 0 && m.appeared(e).Equal(since[len(since)-1].ObservedAt) {
		since = since[:len(since)-1] // it was on that page
	}
	if len(since) == 0 || !rapid.Bool().Draw(m.rt, "by absence") {
		return register.Run{}, false
	}
	return rapid.SampledFrom(since).Draw(m.rt, "missing since"), true
}

// appeared gives since when the entry has been listed as it is.
func (m *model) appeared(e register.Entry) time.Time {
	at := m.history[len(m.history)-1].at
	for _, b := range slices.Backward(m.history) {
		if _, listed := b.entries[place(e)]; !listed {
			break
		}
		at = b.at
	}
	return at
}

// forget takes an entry out of every belief since it was missing.
func (m *model) forget(a register.Accepted) {
	for _, b := range m.history {
		if !b.at.Before(a.MissingSince) {
			delete(b.entries, place(*a.Before))
		}
	}
}

// compare asks for everything that the model knows.
func (m *model) compare() {
	for i, b := range m.history {
		want := slices.SortedFunc(maps.Values(b.entries), compareEntries)
		instants := []time.Time{b.at, b.at.Add(time.Microsecond)}
		if i+1 < len(m.history) {
			instants = append(instants, m.history[i+1].at.Add(-time.Microsecond))
		}
		for _, at := range instants {
			same(m.t, "as of "+at.String(), inOrder(entriesOf(m.asOf(at))), want)
		}
		m.compareNet(m.history[0], b)
	}
	m.sees(slices.Collect(maps.Values(m.now()))...)
	same(m.t, "log", collectChanges(m.t, m.store, register.ChangeFilter{Register: m.id}), m.log)
	for i, c := range m.log {
		same(m.t, "sequence", *c.Sequence, int64(i+1))
	}
}

// compareNet applies the net difference to one belief, which must give the
// other.
func (m *model) compareNet(from, to belief) {
	got := maps.Clone(from.entries)
	var keys []register.Key
	check(m.t, m.store.Net(m.t.Context(), m.id, from.at, to.at, func(a register.Accepted) error {
		keys = append(keys, a.Key())
		if a.Before != nil {
			delete(got, place(*a.Before))
		}
		if a.After != nil {
			got[place(*a.After)] = *a.After
		}
		return nil
	}))
	same(m.t, "net difference", got, to.entries)
	if !slices.IsSortedFunc(keys, cmp.Compare) {
		m.t.Errorf("net difference out of order: %v", keys)
	}
}
