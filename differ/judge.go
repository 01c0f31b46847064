package differ

import (
	"time"

	"github.com/regwatch/regwatch/register"
)

// Seen says when and how whole the fetch was whose differences are judged.
type Seen struct {
	At       time.Time                          // observed_at
	Tick     time.Time                          // the instant at which the run was due
	Interval time.Duration                      // usual distance of ticks; 0: every tick counts
	Complete bool                               // gate 1 passed; otherwise the fetch is partial
	Earlier  map[register.Key][]register.Period // ended listings of the keys that are new
	LastSeen time.Time                          // observed_at of the last complete fetch before this one
	LastRun  register.RunID                     // that fetch's run
	Parts    []register.RunID                   // partial fetches since
}

// Verdict is what a fetch's differences come to.
type Verdict struct {
	Outcome  register.Outcome
	Accepted []register.Accepted
	Missing  []register.Missing // entries of the head that wait for their removal's confirmation
}

// Judge is gate 2: it decides which differences to the head are believed.
//
//   - Additions are accepted at once; from a partial fetch only when at least
//     half of its entries are known, so that another page served in its place
//     adds nothing.
//   - Changes are accepted at once from a complete fetch.
//   - A removal that the register states is accepted from one complete fetch.
//   - A removal by absence is accepted when complete fetches of
//     expect.removals.confirm ticks in a row lacked the entry. Until then it is
//     missing. A fetch that shows it, even a partial one, ends the wait.
func Judge(toHead Differences, seen Seen, expect register.Expect, memory register.Memory) Verdict {
	j := judgement{seen: seen, confirm: expect.Confirmations(), waiting: waitingIn(memory)}
	for _, r := range toHead.Removed { // first: a key that is also new is listed in the end
		j.removal(r)
	}
	if seen.Complete || mostlyKnown(toHead) {
		j.additions(toHead.Added)
	}
	if seen.Complete {
		j.replacements(register.Changed, toHead.Changed)
		j.replacements(register.Rekeyed, toHead.Rekeyed)
	}
	return j.verdict()
}

// mostlyKnown reports whether at least half of the entries on a page are
// entries of the head.
func mostlyKnown(d Differences) bool {
	known := d.Same + len(d.Changed)
	return known >= len(d.Added)+len(d.Rekeyed)
}

type judgement struct {
	seen     Seen
	confirm  int
	waiting  map[identity]register.Missing
	accepted []register.Accepted
	missing  []register.Missing
}

func (j *judgement) additions(added []register.Entry) {
	for i := range added {
		a := register.Accepted{Kind: register.Added, After: &added[i]}
		if earlier := j.seen.Earlier[added[i].Key]; len(earlier) > 0 {
			a.Kind, a.Earlier = register.Relisted, earlier
		}
		j.accepted = append(j.accepted, a)
	}
}

func (j *judgement) replacements(kind register.Kind, pairs []Pair) {
	for i := range pairs {
		j.accepted = append(j.accepted, register.Accepted{Kind: kind, Before: &pairs[i].Before, After: &pairs[i].After})
	}
}

// removal accepts a removal, or lets it wait.
func (j *judgement) removal(r Removal) {
	m, waited := j.waiting[identityOf(r.Entry)]
	switch {
	case !j.seen.Complete:
		if waited {
			j.missing = append(j.missing, m) // a partial fetch neither counts nor breaks the row
		}
		return
	case r.Statement != nil:
		j.accepted = append(j.accepted, register.Accepted{Kind: register.Removed, Before: &r.Entry, After: r.Statement})
		return
	case !waited:
		m = register.Missing{
			Key: r.Entry.Key, Content: r.Entry.Content,
			Since: j.seen.At, Tick: j.seen.Tick, Ticks: 1, LastSeen: j.seen.LastSeen, Seen: j.seen.LastRun, Parts: j.seen.Parts,
		}
	case j.seen.Tick.Before(m.Tick):
		m.Tick = j.seen.Tick // the clock was set back: count from here on, not from a future that is far
	case j.seen.countsAfter(m.Tick):
		m.Tick = j.seen.Tick
		m.Ticks++
	}
	if m.Ticks < j.confirm {
		j.missing = append(j.missing, m)
		return
	}
	j.accepted = append(j.accepted, register.Accepted{
		Kind: register.Removed, Before: &r.Entry, MissingSince: m.Since, MissingRun: m.Run,
	})
}

// countsAfter reports whether this fetch belongs to another tick than the last
// one that counted: two fetches by hand closer than half the interval are one.
func (s Seen) countsAfter(last time.Time) bool {
	return s.Tick.After(last) && s.Tick.Sub(last) >= s.Interval/2
}

func (j *judgement) verdict() Verdict {
	v := Verdict{Outcome: register.OutcomeUnchanged, Accepted: j.accepted, Missing: j.missing}
	if len(v.Accepted) > 0 {
		v.Outcome = register.OutcomeChanged
	}
	return v
}

func waitingIn(memory register.Memory) map[identity]register.Missing {
	waiting := make(map[identity]register.Missing, len(memory.Missing))
	for _, m := range memory.Missing {
		waiting[identity{m.Key, m.Content}] = m
	}
	return waiting
}
