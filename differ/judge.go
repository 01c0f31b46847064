package differ

import (
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Seen says when and how whole the fetch was whose differences are judged, and
// what it showed as a whole.
type Seen struct {
	At       time.Time                          // observed_at
	Tick     time.Time                          // the instant at which the run was due
	Interval time.Duration                      // usual distance of ticks; 0: every tick counts
	Complete bool                               // gate 1 passed; otherwise the fetch is partial
	Earlier  map[register.Key][]register.Period // listings of the keys that are new, which had ended before
	LastSeen time.Time                          // observed_at of the last complete fetch before this one
	LastRun  register.RunID                     // the run of the last one that was believed
	Parts    []register.RunID                   // runs since on which something of the head is
	Digest   register.Hash                      // of the snapshot
	Filled   map[string]int                     // by field: entries in which it is not empty
	Odd      map[string]int                     // by field: values not of their type
	Approved bool                               // a person has looked at just this snapshot
}

// Verdict is what a fetch's differences come to.
type Verdict struct {
	Outcome  register.Outcome
	Accepted []register.Accepted
	Memory   register.Memory // what the next judgement must know
	Released string          // how a hold ended; empty: none did
}

// Judge is gate 2: it decides which differences to the head are believed.
//
//	case                      rule
//	additions                 at once; from a partial fetch if most of it is known,
//	                          save what a swap holds, and a new listing of what the
//	                          page delists, which waits until that is believed
//	changes                   at once; another entry under an old key is removed and added
//	removals                  when complete fetches of two ticks in a row lack the entry
//	stated removals           at once
//	older file                confirms no removal until it has stood
//	flood of removals         held; additions and changes go on
//	swap                      everything is held
//	flood of changes          held, and so is a field that is emptied or changes its type;
//	                          additions go on
//	a hold ends               when a fetch trips no threshold: it was an accident;
//	                          when later entries differ little from what is held, and of
//	                          a swap most of the head is known still: it is so;
//	                          when it has stood, unless it is a swap; or by a person
//
// ToHeld are the differences to the snapshot that is held; nil when nothing is.
func Judge(toHead Differences, toHeld *Differences, seen Seen, expect register.Expect, memory register.Memory) Verdict {
	j := &judgement{toHead: toHead, seen: seen, expect: expect, limits: limitsOf(expect), memory: memory, waiting: waitingIn(memory)}
	j.memory.Missing = nil
	switch {
	case !seen.Complete:
		j.partial(toHeld)
	case seen.Approved:
		j.believeAll("approved by a person")
	case slices.Contains(memory.Rejected, seen.Digest):
		j.leave()
	default:
		j.complete(toHeld)
	}
	return j.verdict()
}

type judgement struct {
	toHead   Differences
	seen     Seen
	expect   register.Expect
	limits   limits
	memory   register.Memory // becomes the next
	waiting  map[identity]register.Missing
	accepted []register.Accepted
	holding  bool
	released string
}

// complete judges a whole fetch.
func (j *judgement) complete(toHeld *Differences) {
	crossed := j.limits.alarms(j.toHead, j.seen, j.waiting, j.memory.Health)
	switch {
	case len(crossed) == 0:
		j.believe()
		j.release("a later fetch is as expected: what was held was an accident, and nothing of it was told")
	case j.hasStood():
		j.believeAll("complete fetches have agreed for " + j.expect.HoldFor().String())
	case j.hasEvolved(toHeld, crossed):
		j.believeEvolved(*toHeld)
		j.release("a later fetch shows the same with other entries beside it: it is so")
	default:
		j.hold(crossed)
	}
}

// partial judges a fetch that can show that something is there, and never that
// something is gone. What a swap holds it does not show: a part of the same wrong
// page tells no more than the whole.
func (j *judgement) partial(toHeld *Differences) {
	if d := j.toHead; j.limits.isKnown(d.Same+len(d.Changed), len(d.Added)+len(d.Rekeyed)+len(d.Reused)) {
		if held := j.memory.Held; held != nil && held.Swap() && toHeld != nil {
			j.toHead.Added = addedIn(*toHeld, d.Added)
		}
		j.additions()
	}
	j.keepWaiting(j.toHead.withRekeyedApart())
}

// addedIn gives those of the entries whose keys are new in other differences too.
func addedIn(other Differences, entries []register.Entry) []register.Entry {
	keys := map[register.Key]bool{}
	for _, e := range other.withRekeyedApart().Added {
		keys[e.Key] = true
	}
	var both []register.Entry
	for _, e := range entries {
		if keys[e.Key] {
			both = append(both, e)
		}
	}
	return both
}

// believe accepts what is told at once, and counts absences. Removals come
// first: a key that is also new is listed in the end.
func (j *judgement) believe() {
	older := j.isOlder()
	if older {
		j.toHead = j.toHead.withReusedApart()
	}
	for _, r := range j.toHead.Removed {
		j.removal(r, older)
	}
	j.additions()
	j.changes()
	if !older {
		j.memory.Accept(j.seen.Digest)
	}
}

// believeAll accepts every difference.
func (j *judgement) believeAll(why string) {
	for _, r := range j.toHead.Removed {
		j.removed(r)
	}
	j.additions()
	j.changes()
	j.memory.Accept(j.seen.Digest)
	j.release(why)
}

// leave believes nothing and raises nothing: a person has rejected just this.
func (j *judgement) leave() {
	j.release("a later fetch shows what a person has rejected: what was held is gone, and nothing of it was told")
	j.keepWaiting(j.toHead.withRekeyedApart())
}

// additions accepts what is new. A key that was listed before is listed again,
// also where just this page says that its last listing ended; while that is not
// believed, the key is listed still, and its new listing waits with the end of
// the old one.
func (j *judgement) additions() {
	delisted, stated := j.delisted(), j.stated()
	for i, e := range j.toHead.Added {
		if stated[e.Key] && !delisted[e.Key] {
			continue
		}
		a := register.Accepted{Kind: register.Added, After: &j.toHead.Added[i]}
		if earlier := j.seen.Earlier[e.Key]; len(earlier) > 0 || delisted[e.Key] {
			a.Kind, a.Earlier = register.Relisted, earlier
		}
		j.accepted = append(j.accepted, a)
	}
}

// delisted gives the keys of which a removal by statement was accepted.
func (j *judgement) delisted() map[register.Key]bool {
	keys := map[register.Key]bool{}
	for _, a := range j.accepted {
		if a.Kind == register.Removed && a.After != nil {
			keys[a.Before.Key] = true
		}
	}
	return keys
}

// stated gives the keys of which the page says that a listing ended.
func (j *judgement) stated() map[register.Key]bool {
	keys := map[register.Key]bool{}
	for _, r := range j.toHead.Removed {
		if r.Statement != nil {
			keys[r.Entry.Key] = true
		}
	}
	return keys
}

// changes accepts amendments and other keys; a key that was given to another
// entry is a removal and an addition.
func (j *judgement) changes() {
	for i := range j.toHead.Changed {
		p := &j.toHead.Changed[i]
		j.accepted = append(j.accepted, register.Accepted{Kind: register.Changed, Before: &p.Before, After: &p.After})
	}
	for i := range j.toHead.Rekeyed {
		p := &j.toHead.Rekeyed[i]
		j.accepted = append(j.accepted, register.Accepted{Kind: register.Rekeyed, Before: &p.Before, After: &p.After})
	}
	for i := range j.toHead.Reused {
		p := &j.toHead.Reused[i]
		j.accepted = append(j.accepted, register.Accepted{Kind: register.Removed, Before: &p.Before}, register.Accepted{Kind: register.Added, After: &p.After})
	}
}

// removal accepts a removal, or lets it wait.
func (j *judgement) removal(r Removal, older bool) {
	m, waited := j.waiting[identityOf(r.Entry)]
	switch {
	case r.Statement != nil:
		j.removed(r)
		return
	case !waited:
		m = register.Missing{
			Key: r.Entry.Key, Content: r.Entry.Content,
			Since: j.seen.At, Tick: j.seen.Tick, Ticks: 1, LastSeen: j.seen.LastSeen, Seen: j.seen.LastRun, Parts: j.seen.Parts,
		}
	case j.seen.Tick.Before(m.Tick):
		m.Tick = j.seen.Tick // the clock was set back: count from here on, not from a future that is far
	case !older && j.seen.countsAfter(m.Tick):
		m.Tick = j.seen.Tick
		m.Ticks++
	}
	if m.Ticks < j.expect.Confirmations() || older {
		j.memory.Missing = append(j.memory.Missing, m)
		return
	}
	j.absent(r.Entry, m)
}

// removed accepts a removal now, whatever it waited for.
func (j *judgement) removed(r Removal) {
	if r.Statement != nil {
		j.accepted = append(j.accepted, register.Accepted{Kind: register.Removed, Before: &r.Entry, After: r.Statement})
		return
	}
	m, waited := j.waiting[identityOf(r.Entry)]
	if !waited {
		m.Since = j.seen.At
		if held := j.memory.Held; held != nil {
			m.Since, m.Run = held.Since, held.First
		}
	}
	j.absent(r.Entry, m)
}

func (j *judgement) absent(e register.Entry, m register.Missing) {
	j.accepted = append(j.accepted, register.Accepted{Kind: register.Removed, Before: &e, MissingSince: m.Since, MissingRun: m.Run})
}

// keepWaiting neither counts nor breaks the row of those that wait, but a page
// that shows an entry ends its wait.
//
// An entry under another key that is not believed is not shown.
func (j *judgement) keepWaiting(open Differences) {
	for _, r := range open.Removed {
		if m, waited := j.waiting[identityOf(r.Entry)]; waited {
			j.memory.Missing = append(j.memory.Missing, m)
		}
	}
}

// countsAfter reports whether this fetch belongs to another tick than the last
// one that counted: two fetches by hand closer than half the interval are one.
func (s Seen) countsAfter(last time.Time) bool {
	return s.Tick.After(last) && s.Tick.Sub(last) >= s.Interval/2
}

// isOlder reports whether the snapshot is an earlier accepted one that is served
// again, and has not stood for expect.hold.release_after yet.
func (j *judgement) isOlder() bool {
	accepted := j.memory.Accepted
	if n := len(accepted); n == 0 || accepted[n-1] == j.seen.Digest || !slices.Contains(accepted, j.seen.Digest) {
		j.memory.Older = nil
		return false
	}
	if j.memory.Older == nil || j.memory.Older.Digest != j.seen.Digest {
		j.memory.Older = &register.Older{Digest: j.seen.Digest, Since: j.seen.At}
	}
	return j.seen.At.Sub(j.memory.Older.Since) < j.expect.HoldFor()
}

func (j *judgement) verdict() Verdict {
	v := Verdict{Outcome: register.OutcomeUnchanged, Accepted: j.accepted, Memory: j.memory, Released: j.released}
	switch {
	case j.holding:
		v.Outcome = register.OutcomeHeld
	case len(v.Accepted) > 0:
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
