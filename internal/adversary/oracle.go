package adversary

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// oracle holds what was announced against the truth. It repeats none of the
// rules: where a promise depends on a threshold, it demands only what is far from
// it.
type oracle struct {
	Register
	stands    time.Duration // after which what agrees is believed
	baselined bool
	head      contents          // believed, by what was announced
	removed   map[string]bool   // identities whose removal was announced
	absent    map[row]int       // ticks in a row, of those that count, that lacked an entry
	since     map[row]time.Time // first whole page without it
	believed  []contents        // of whole pages that were not held, oldest first
	older     time.Time         // since when an earlier page is shown; zero: it is not
	earlier   contents          // which
	held      *holding
	rejected  []contents
	holds     int
	releases  int
}

// holding is a hold under way.
type holding struct {
	shows    []row
	since    time.Time // the first of the whole pages that agree
	ticks    int
	run      register.RunID
	swap     bool
	faithful bool
}

func newOracle(g Register) *oracle {
	return &oracle{Register: g, head: contents{}, removed: map[string]bool{}, absent: map[row]int{}, since: map[row]time.Time{}}
}

func (o *oracle) holding() bool { return o.held != nil }

// run judges one run.
func (o *oracle) run(p *play, now *scene, run register.Run, changes []register.Change) error {
	head, entries, err := p.world.Head()
	if err != nil {
		return err
	}
	if err := o.outcome(now, run); err != nil {
		return err
	}
	shows := contentsOf(now.shows)
	complete, isHeld := run.Proof.Complete(), head.Memory.Held != nil
	wasRejected := complete && slices.ContainsFunc(o.rejected, shows.equal)
	if o.baselined {
		o.count(now, shows, run, complete && run.Outcome != register.OutcomeHeld && !wasRejected)
	}
	before := maps.Clone(o.head)
	if err := o.announced(now, run, changes); err != nil {
		return err
	}
	if !o.baselined {
		o.baselined, o.head = true, maps.Clone(shows)
	}
	if err := o.equals(entries); err != nil {
		return err
	}
	if complete && run.Outcome != register.OutcomeHeld && !wasRejected {
		if err := o.shown(shows); err != nil {
			return err
		}
		if o.older.IsZero() {
			o.believed = append(o.believed, shows)
		}
	}
	if err := o.late(now); err != nil {
		return err
	}
	return o.follow(now, before, shows, head, complete, isHeld, wasRejected)
}

// outcome holds the run against what was done to the page.
func (o *oracle) outcome(now *scene, run register.Run) error {
	complete := run.Proof.Complete()
	switch {
	case now.broken == nil && (!complete || run.Outcome == register.OutcomeFailed):
		return fmt.Errorf("a whole page was not taken for one: %s %s", run.Outcome, run.Reason)
	case now.broken == nil:
		return nil
	case now.broken.effect == fails && run.Outcome != register.OutcomeFailed:
		return fmt.Errorf("%s must fail, but was %s", now.broken.name, run.Outcome)
	case now.broken.effect == lacks && complete:
		return fmt.Errorf("%s is not complete, but was taken for it", now.broken.name)
	}
	return nil
}

// announced holds each change against the truth: nothing comes that is not
// there, and nothing goes that is.
func (o *oracle) announced(now *scene, run register.Run, changes []register.Change) error {
	truth, shows := contentsOf(now.truth), contentsOf(now.shows)
	there := func(c contents, e row) bool {
		for other := range c {
			if other[colNumber] == e[colNumber] && other[colName] == e[colName] {
				return true
			}
		}
		return false
	}
	listed := map[string]bool{} // by number or by name: one of them may be distorted
	for _, e := range slices.Concat(now.truth, now.made) {
		listed[e[colNumber]], listed[e[colName]] = true, true
	}
	taken := map[string]bool{} // a number that is given to another is no return
	for e := range o.head {
		taken[o.identity(e)] = true
	}
	for _, c := range changes {
		before, after := entryRow(c.Before), entryRow(c.After)
		switch c.Kind {
		case register.Added, register.Relisted:
			if !listed[after[colNumber]] && !listed[after[colName]] && (now.traits&old == 0 || !shows[after]) {
				return fmt.Errorf("phantom addition: %s %v", c.Kind, after)
			}
			if again := o.removed[o.identity(after)]; again != (c.Kind == register.Relisted) && !taken[o.identity(after)] && now.traits&old == 0 {
				return fmt.Errorf("%v is %s although its removal before was announced: %v", after, c.Kind, again)
			}
			o.head[after] = true
		case register.Removed:
			if there(truth, before) {
				return fmt.Errorf("phantom removal: %v", before)
			}
			if since := c.MissingSince; since != nil && (since.After(run.ObservedAt) || since.Before(o.since[before])) {
				return fmt.Errorf("%v is missing since %v, but whole pages lack it since %v", before, since, o.since[before])
			}
			o.removed[o.identity(before)] = true
			delete(o.head, before)
		case register.Rekeyed:
			if now.faithful && (there(truth, before) || !there(truth, after)) {
				return fmt.Errorf("phantom of a new key: %v → %v", before, after)
			}
			o.removed[o.identity(before)] = true
			fallthrough
		default:
			delete(o.head, before)
			o.head[after] = true
		}
	}
	return nil
}

// equals holds the head against what was announced of it.
func (o *oracle) equals(entries []register.Entry) error {
	have := contents{}
	for _, e := range entries {
		have[entryRow(e.Fields)] = true
	}
	if !have.equal(o.head) || len(entries) != len(o.head) {
		return fmt.Errorf("the head has %d entries, and %d by what was announced", len(entries), len(o.head))
	}
	return nil
}

// shown demands that everything on a whole page outside a hold is believed.
func (o *oracle) shown(shows contents) error {
	for e := range shows {
		if !o.head[e] {
			return fmt.Errorf("missed: a whole page shows %v, and it is not believed", e)
		}
	}
	return nil
}

// count counts the whole pages that lack an entry of the head.
func (o *oracle) count(now *scene, shows contents, run register.Run, counts bool) {
	older := false
	if n := len(o.believed); counts {
		older = n > 0 && !o.believed[n-1].equal(shows) && slices.ContainsFunc(o.believed, shows.equal)
		switch {
		case !older:
			o.older = time.Time{}
		case o.older.IsZero() || !o.earlier.equal(shows):
			o.older, o.earlier = now.at, shows
		}
	}
	stands := older && now.at.Sub(o.older) < o.stands
	shown := map[string]bool{}
	for e := range shows {
		shown[o.identity(e)] = true
	}
	complete := run.Proof.Complete()
	for e := range o.head {
		switch {
		case complete && shows[e]:
			delete(o.since, e)
		case complete && o.since[e].IsZero():
			o.since[e] = run.ObservedAt
		}
		switch {
		case complete && shown[o.identity(e)]: // perhaps with other contents
			delete(o.absent, e)
		case counts && !stands:
			o.absent[e]++
		}
	}
	if run.Partial { // it may show any of them
		clear(o.absent)
	}
}

// late demands that an entry is believed to be gone once two ticks lacked it.
func (o *oracle) late(now *scene) error {
	truth := contentsOf(now.truth)
	for e := range o.head {
		if o.absent[e] >= 2 && !truth[e] {
			return fmt.Errorf("late: %d whole pages in a row lack %v, and it is still believed", o.absent[e], e)
		}
	}
	for e := range o.absent {
		if !o.head[e] {
			delete(o.absent, e)
			delete(o.since, e)
		}
	}
	return nil
}

// Few enough to cross no threshold in any register of the model.
const (
	fewGone    = 1
	fewChanged = 4
)

// follow follows a hold from its beginning to its end.
func (o *oracle) follow(now *scene, before, shows contents, head register.Head, complete, isHeld, wasRejected bool) error {
	was := o.held
	if !isHeld {
		if was != nil {
			o.held = nil
			o.releases++
		}
		return nil
	}
	if was == nil {
		o.holds++
		o.held = &holding{}
	}
	if !complete {
		return nil
	}
	if wasRejected {
		return fmt.Errorf("what a person rejected is held again")
	}
	gone, changed := before.lacking(shows, o.identity)
	if now.faithful && gone <= fewGone && changed <= fewChanged {
		return fmt.Errorf("held although the page says the truth, and little of it is new: %d gone, %d changed", gone, changed)
	}
	if was != nil {
		heldShows := contentsOf(was.shows)
		same := heldShows.equal(shows)
		doubtful := (was.swap || head.Memory.Held.Swap()) && 3*gone > len(before) // another list may live too
		gone, changed := heldShows.lacking(shows, o.identity)
		switch {
		case !same && !doubtful && now.faithful && was.faithful && gone <= fewGone && changed <= fewChanged:
			return fmt.Errorf("held although a later page shows the same with other entries beside it: %d gone, %d changed", gone, changed)
		case same && !was.swap && now.at.Sub(was.since) >= o.stands:
			return fmt.Errorf("held although whole pages have agreed since %v", was.since)
		}
		if same {
			o.held.ticks++
		} else {
			o.held = &holding{}
		}
	}
	if o.held.since.IsZero() {
		o.held.since = now.at
	}
	o.held.shows, o.held.run, o.held.swap, o.held.faithful = now.shows, head.Memory.Held.Run, head.Memory.Held.Swap(), now.faithful
	return nil
}

// person approves what is true and would be held for ever, and now and then
// rejects what is not.
func (p *play) person(s Step, now *scene, run register.Run) error {
	o, r := p.judge, rand.New(rand.NewPCG(s.Seed, 3))
	held := o.held
	if held == nil || held.run == 0 || run.Outcome != register.OutcomeHeld {
		return nil
	}
	switch {
	case now.faithful && held.swap && held.ticks >= 2:
		now.words = append(now.words, "; a person approves")
		approved, changes, err := p.world.Approve(held.run)
		if err != nil {
			return fmt.Errorf("approve: %w", err)
		}
		now.words = append(now.words, "→ "+words(approved))
		if err := o.announced(now, approved, changes); err != nil {
			return fmt.Errorf("approve: %w", err)
		}
		if shows := contentsOf(now.shows); !o.head.equal(shows) {
			return fmt.Errorf("approved, and the head is not what was held: %d entries, want %d", len(o.head), len(shows))
		}
		o.believed = append(o.believed, contentsOf(now.shows))
		o.held, o.older = nil, time.Time{}
		o.releases++
		clear(o.absent)
	case !now.faithful && r.IntN(6) == 0:
		now.words = append(now.words, "; a person rejects")
		if _, err := p.world.Reject(held.run); err != nil {
			return fmt.Errorf("reject: %w", err)
		}
		o.rejected = append(o.rejected, contentsOf(now.shows))
		o.held = nil
		o.releases++
	default:
		return nil
	}
	head, _, err := p.world.Head()
	if err == nil && head.Memory.Held != nil {
		err = fmt.Errorf("still held after a person decided")
	}
	return err
}

// ended demands, after whole pages for a while, that everything is decided.
func (o *oracle) ended(p *play) error {
	truth := contentsOf(p.truth.rows)
	switch gone, changed := o.head.lacking(truth, o.identity); {
	case o.held != nil:
		return fmt.Errorf("in the end something is held")
	case !o.head.equal(truth):
		return fmt.Errorf("in the end the head is not the truth: %d entries, want %d; %d too many, %d different", len(o.head), len(truth), gone, changed)
	}
	return o.told(p)
}

// told demands that the operator heard of each hold twice: when it began and
// when it ended.
func (o *oracle) told(p *play) error {
	signals, err := p.world.Signals()
	if err != nil {
		return err
	}
	if signals == nil {
		return nil
	}
	begun, ended := 0, 0
	for _, s := range signals {
		switch s.State {
		case register.StateHeld:
			begun++
		case register.StateReleased:
			ended++
		}
		if begun != ended && begun != ended+1 {
			return fmt.Errorf("the operator was told of %d holds and of %d ends", begun, ended)
		}
	}
	if begun != o.holds || ended != o.releases {
		return fmt.Errorf("the operator was told of %d holds and %d ends; there were %d and %d", begun, ended, o.holds, o.releases)
	}
	return nil
}
