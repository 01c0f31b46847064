package adversary

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Story is what happens to a register and to its page, tick after tick.
type Story struct {
	Seed     uint64
	Register Register
	Steps    []Step

	// Timeless says that the world has a clock of its own, by which the whole
	// story takes a moment: nothing ends because it has stood.
	Timeless bool
}

// Step is one tick of a story. It does what its own seed says, so that a story
// from which steps were taken out is still one.
type Step struct {
	Seed  uint64
	Still bool // nothing happens in the world
	Whole bool // nothing happens to the page
}

// NewStory makes the story of a seed.
func NewStory(seed uint64, steps int) Story {
	r := rand.New(rand.NewPCG(seed, 0))
	s := Story{Seed: seed, Register: newRegister(r)}
	for range steps {
		s.Steps = append(s.Steps, Step{Seed: r.Uint64()})
	}
	return s
}

// World is what a story is played to: regwatch, or so much of it as is tested.
type World interface {
	// Fetch makes the run of one tick, which finds the page as given.
	Fetch(tick time.Time, page Page) (register.Run, []register.Change, error)
	// Approve believes the register's latest held run; Reject drops it.
	Approve(register.RunID) (register.Run, []register.Change, error)
	Reject(register.RunID) (register.Run, error)
	// Head is what is believed now.
	Head() (register.Head, []register.Entry, error)
	// Signals are what the operator was told, oldest first; nil where the world
	// does not say.
	Signals() ([]register.Signal, error)
}

// Between is the time between two ticks. With it, half a dozen ticks are
// expect.hold.release_after.
const Between = 12 * time.Hour

// Start is before the first tick of every story.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Play plays the story and gives what became of it, a line for each tick, and
// the first promise that was broken.
func (s Story) Play(w World) (told []string, err error) {
	r := rand.New(rand.NewPCG(s.Seed, 1))
	p := &play{Register: s.Register, world: w, at: Start, truth: newTruth(r), judge: newOracle(s.Register)}
	if p.judge.stands = register.DefaultReleaseAfter; s.Timeless {
		p.judge.stands = 1 << 62
	}
	p.shown = [][]row{p.truth.rows}
	if err := p.first(); err != nil {
		return p.told, err
	}
	for _, step := range s.Steps {
		if err := p.step(step); err != nil {
			return p.told, err
		}
	}
	return p.told, p.last()
}

// play is a story under way.
type play struct {
	Register
	world World
	at    time.Time
	truth *truth
	shown [][]row // by whole pages that were believed, oldest first
	judge *oracle
	told  []string

	lasting *lasting // a distortion that goes on
	settle  bool     // a distortion was shown, and no whole page since
	quiet   int      // ticks for which nothing happens in the world
	down    int      // ticks for which nobody answers
}

// lasting is a page that stays distorted.
type lasting struct {
	name   string
	rows   []row
	truth  []row // when it was made
	traits trait
	left   int // ticks
	lives  bool
}

// scene is one tick: what was true, and what was published.
type scene struct {
	at       time.Time
	truth    []row
	shows    []row // what the page says, if it is whole; nil where it says nothing
	faithful bool  // it says the truth
	made     []row // what was true when the page was made
	traits   trait
	broken   *breakage
	words    []string
}

// first shows a whole page: a baseline.
func (p *play) first() error { return p.tick(Step{Still: true, Whole: true}) }

// last shows whole pages until everything must be decided.
func (p *play) last() error {
	p.lasting, p.quiet, p.down = nil, 0, 0
	for i := range 12 {
		p.truth.rows = slices.Clone(p.truth.rows)
		if i < 3 { // a page that lives
			p.truth.rows[0][colReason] = fmt.Sprintf("důvod %d", p.truth.next())
		}
		if err := p.tick(Step{Seed: uint64(i), Still: true, Whole: true}); err != nil {
			return err
		}
	}
	return p.judge.ended(p)
}

func (p *play) step(s Step) error { return p.tick(s) }

func (p *play) tick(s Step) error {
	p.at = p.at.Add(Between)
	now := &scene{at: p.at}
	p.live(s, now)
	page := p.publish(s, now)
	run, changes, err := p.world.Fetch(p.at, page)
	if err != nil {
		return p.fail(now, fmt.Errorf("the run could not be recorded: %w", err))
	}
	now.words = append(now.words, "→ "+words(run))
	if err := p.judge.run(p, now, run, changes); err != nil {
		return p.fail(now, err)
	}
	if now.faithful && run.Proof.Complete() {
		p.settle = false
		if run.Outcome != register.OutcomeHeld {
			p.shown = append(p.shown, p.truth.rows)
		}
	}
	if err := p.person(s, now, run); err != nil {
		return p.fail(now, err)
	}
	p.tell(now)
	return nil
}

func (p *play) tell(now *scene) { p.told = append(p.told, strings.Join(now.words, " ")) }

func (p *play) fail(now *scene, err error) error {
	p.tell(now)
	return fmt.Errorf("%s: %w", now.at.Format("01-02 15h"), err)
}

// live lets things happen in the world.
func (p *play) live(s Step, now *scene) {
	r := rand.New(rand.NewPCG(s.Seed, 1))
	var happened []string
	switch {
	case s.Still:
	case p.quiet > 0:
		p.quiet--
	case r.IntN(40) == 0:
		happened = append(happened, p.truth.shake(r))
		p.quiet = []int{0, 0, 8}[r.IntN(3)]
	default:
		for range r.IntN(3) {
			if what := p.truth.happen(r); what != "" {
				happened = append(happened, what)
			}
		}
	}
	now.truth = p.truth.rows
	now.words = append(now.words, fmt.Sprintf("%s: %d entries", now.at.Format("01-02 15h"), len(now.truth)))
	if len(happened) > 0 {
		now.words = append(now.words, "("+strings.Join(happened, ", ")+");")
	}
}

// publish makes the page of one tick, and breaks it.
func (p *play) publish(s Step, now *scene) Page {
	r := rand.New(rand.NewPCG(s.Seed, 2))
	now.shows, now.faithful = p.truth.rows, true
	switch {
	case p.lasting != nil:
	case s.Whole || p.settle || p.judge.holding() || len(p.shown) < 2:
	case r.IntN(6) == 0:
		p.distort(r)
	}
	if l := p.lasting; l != nil {
		now.shows, now.made, now.traits = l.rows, l.truth, l.traits
		now.faithful = contentsOf(l.rows).equal(contentsOf(p.truth.rows))
		now.words = append(now.words, "published: "+l.name+";")
		p.settle = true
		if l.left--; l.left == 0 {
			p.lasting = nil
		}
		if l.lives {
			l.rows = append(slices.Clone(l.rows), p.truth.entry(r, "Cizí"))
		}
	}
	sheet := p.sheet(now.shows)
	if !s.Whole {
		for _, d := range disguises {
			if r.IntN(8) == 0 {
				d.apply(r, &sheet)
				now.words = append(now.words, d.name+";")
			}
		}
		p.breakdown(r, now)
	}
	if now.broken != nil && now.broken.sheet != nil {
		now.broken.sheet(r, &sheet)
	}
	page := p.page(sheet)
	if now.broken != nil && now.broken.page != nil {
		now.broken.page(r, &page)
	}
	return page
}

// distort begins a distortion, or two at once. Left out is what no rule can tell
// from the truth: a few strange entries beside a page that lacks most others are
// as believable as a true mass removal on a day with news.
func (p *play) distort(r *rand.Rand) {
	rows := slices.Clone(p.truth.rows)
	p.lasting = &lasting{truth: p.truth.rows, left: 1 + r.IntN(5)}
	var names []string
	gone, _ := p.judge.head.lacking(contentsOf(rows), p.identity)
	for range 1 + r.IntN(2) {
		d := distortions[r.IntN(len(distortions))]
		both := p.lasting.traits | d.traits
		if gone > fewGone && d.traits&strange != 0 {
			continue
		}
		if both&strange != 0 && both&(cut|few|old) != 0 || len(rows) < 10 || both&old != 0 && len(names) > 0 {
			continue
		}
		distorted := d.apply(r, p, rows)
		if distorted == nil {
			continue
		}
		rows = distorted
		p.lasting.traits = both
		names = append(names, d.name)
	}
	lost, _ := p.judge.head.lacking(contentsOf(rows), p.identity)
	isSmall := p.lasting.traits&cut != 0 && 3*lost < len(p.judge.head) // beside what came meanwhile
	if p.lasting.traits&few != 0 || isSmall {
		p.lasting.left = 1
	}
	p.lasting.name, p.lasting.rows = strings.Join(names, " and "), rows
	if p.lasting.traits&alien != 0 && r.IntN(2) == 0 { // that register goes on
		p.lasting.lives = true
		p.lasting.name += " that lives"
	}
	if len(names) == 0 {
		p.lasting = nil
	}
}

// breakdown may break the page of this tick, and silence lasts. A page with
// strange entries among known ones is not partial: what a partial page shows is
// believed where most of it is known, for what it lacks says nothing.
func (p *play) breakdown(r *rand.Rand, now *scene) {
	if p.down > 0 {
		p.down--
		now.broken = &breakages[slices.IndexFunc(breakages, func(b breakage) bool { return b.name == "silence" })]
	} else if r.IntN(6) == 0 {
		b := &breakages[r.IntN(len(breakages))]
		mixed := now.traits&strange != 0 && now.traits&alien == 0
		if b.only != nil && !b.only(p.Register) || mixed && b.effect != fails || len(now.shows) < p.Pages*2 {
			return
		}
		if now.broken = b; b.name == "silence" {
			p.down = r.IntN(28)
		}
	}
	if now.broken != nil {
		now.words = append(now.words, "broken: "+now.broken.name+";")
	}
}

// words tells a run in short.
func words(run register.Run) string {
	text := string(run.Outcome)
	if run.Partial {
		text += ", partial"
	}
	c := run.Counts
	text += fmt.Sprintf(" +%d −%d ~%d", c.Added+c.Relisted, c.Removed, c.Changed)
	if c.Rekeyed > 0 {
		text += fmt.Sprintf(" rekeyed %d", c.Rekeyed)
	}
	if run.Waiting > 0 {
		text += fmt.Sprintf(", %d waiting", run.Waiting)
	}
	if run.Reason != "" {
		text += " [" + run.Reason + "]"
	}
	return text
}
