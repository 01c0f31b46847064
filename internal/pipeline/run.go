package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/internal/heap"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// One register, one tick:
//
//	 due ──▶ fetch ──▶ rows ──▶ snapshot ──▶ diff ──▶ judge ──▶ commit
//	         scraper   scraper  gate 1:      differ   gate 2:   store
//	         + archive          whole?                believable?
//	           │                  │
//	           │                  └─ no: failed run, the head is not touched
//	           └─ 304 or equal bytes: a sighting, nothing to parse, judged again

// Source fetches the pages of a register and leaves their exact bytes in the
// archive, synced. It is safe to repeat. Where the outside world is at fault the
// error is a [*register.Failure], and what was received is returned beside it.
type Source interface {
	// Watch, if not nil, is told of large bodies while they arrive; the last of them
	// may be that of what is returned, or not.
	Fetch(ctx context.Context, def register.Definition, v register.Validators, watch scraper.Watch) (scraper.Fetched, error)
}

// Heads is what the store knows of a register. Reading changes nothing.
type Heads interface {
	// Head is the zero Head, with Version 0, where nothing was ever committed.
	Head(ctx context.Context, registerID string) (register.Head, error)
	// HeadEntries are the entries that are believed now; EachHeadEntry yields
	// them one by one, in any order; HeadEntriesOf are those of the given
	// identities, as far as they are there; of the head before a commit or after it,
	// when one comes between.
	HeadEntries(ctx context.Context, registerID string) ([]register.Entry, error)
	EachHeadEntry(ctx context.Context, registerID string, yield func(register.Entry) error) error
	HeadEntriesOf(ctx context.Context, registerID string, identities []register.Hash) ([]register.Entry, error)
	// EntriesOf are those of them that the given missing ones refer to.
	EntriesOf(ctx context.Context, registerID string, missing []register.Missing) ([]register.Entry, error)
	// Periods are the ended listings of the given keys.
	Periods(ctx context.Context, registerID string, keys []register.Key) (map[register.Key][]register.Period, error)
	// LastAttempt is when the last recorded fetch began; the zero time if there
	// was none.
	LastAttempt(ctx context.Context, registerID string) (time.Time, error)
	// Run is a run as recorded.
	Run(ctx context.Context, id register.RunID) (register.Run, error)
}

// Commits makes runs last.
type Commits interface {
	// RanAt reports whether a scheduled run of that tick was recorded.
	RanAt(ctx context.Context, registerID string, tick time.Time) (bool, error)
	// Commit is one transaction, durable on return. It refuses with
	// register.ErrHeadMoved when the head is not the one that was judged, and
	// with register.ErrAlreadyRun when the tick was recorded.
	Commit(ctx context.Context, c register.Commit) (register.Run, []register.Change, error)
	// Tell commits the memory and the signals of no run, as Commit does.
	Tell(ctx context.Context, c register.Commit) error
}

// Pipeline runs registers. It may be used by several goroutines at once.
type Pipeline struct {
	Source  Source
	Heads   Heads
	Commits Commits
	Open    func(sha256 string) (io.ReadCloser, error) // a body of the archive
	Now     func() time.Time
	Indexes index.Files // of large heads, kept between runs; without Dir they are not

	// Committed is told of each run that was committed, and what only spares work later
	// is done when it returns; nil: nobody is told.
	Committed func(ctx context.Context, run register.Run)

	// SmallIndexes keeps those of small heads too, knows the rows of small pages by
	// their bytes, and judges what is gone by as little as of a large one; for tests.
	SmallIndexes bool
}

// rejudgements bounds how often a run is made anew because another process
// committed to the same register in the meantime.
const rejudgements = 10

// Run makes one run and returns it as recorded, with the changes it accepted.
// An outcome of failed is no error. An error means that nothing was recorded and
// that the run may be repeated; register.ErrAlreadyRun that there is no need.
func (p *Pipeline) Run(ctx context.Context, def register.Definition, due register.Due) (register.Run, []register.Change, error) {
	if due.Trigger == register.TriggerSchedule {
		ran, err := p.Commits.RanAt(ctx, def.ID, due.Tick)
		if err != nil {
			return register.Run{}, nil, fmt.Errorf("run %s: %w", def.ID, err)
		}
		if ran {
			return register.Run{}, nil, register.ErrAlreadyRun
		}
	}
	for attempt := 1; ; attempt++ {
		run, changes, err := p.run(ctx, def, due)
		if errors.Is(err, register.ErrHeadMoved) && attempt < rejudgements {
			continue
		}
		if errors.Is(err, errIndex) && attempt < rejudgements {
			if err := p.Indexes.Remove(def.ID); err != nil {
				return register.Run{}, nil, fmt.Errorf("run %s: %w", def.ID, err)
			}
			continue
		}
		if err != nil {
			return register.Run{}, nil, fmt.Errorf("run %s: %w", def.ID, err)
		}
		return run, changes, nil
	}
}

func (p *Pipeline) run(ctx context.Context, def register.Definition, due register.Due) (register.Run, []register.Change, error) {
	head, err := p.Heads.Head(ctx, def.ID)
	if err != nil {
		return register.Run{}, nil, err
	}
	t := p.begin(def, due, head)
	defer func() { t.known.Close() }()
	if !head.Baselined && register.OfLines(def.Parse.Format) { // what is held as a whole is bounded by its memory, garbage included
		defer heap.CollectLess()()
	}

	if head.Baselined && head.Fingerprint != t.run.Fingerprint {
		if err := p.upgrade(ctx, t); errors.Is(err, fs.ErrNotExist) {
			t.lost = true
		} else if err != nil {
			return p.stop(ctx, t, err)
		}
	}

	arriving := arrivals{pipeline: p, tick: t}
	fetched, err := p.Source.Fetch(ctx, def, t.validators(), arriving.watch(ctx))
	defer fetched.Close() //nolint:staticcheck // what came is returned beside an error too
	defer arriving.drop()
	t.received(fetched)
	if err != nil {
		return p.stop(ctx, t, err)
	}

	if t.repeats(fetched) {
		toHead, err := p.again(ctx, t)
		if err != nil {
			return register.Run{}, nil, err
		}
		return p.commit(ctx, t, differ.Judge(toHead, nil, t.seen(), def.Expect, t.head.Memory))
	}

	if p.readsOnce(t) {
		return p.baselineAtOnce(ctx, t, fetched)
	}
	snapshot, proof, err := p.readNew(ctx, t, fetched, &arriving)
	if err != nil {
		return register.Run{}, nil, err
	}
	if t.lost && proof.Complete() {
		if err := p.adopt(ctx, t, snapshot, proof); err != nil {
			return register.Run{}, nil, err
		}
	}
	t.read(fetched, snapshot, proof)
	if check := proof.Failed(); check != nil {
		return p.fail(ctx, t, check.Class, t.reason(*check), advice(*check))
	}
	if !t.head.Baselined {
		return p.baseline(ctx, t)
	}
	return p.judge(ctx, t, snapshot, false)
}

// judge compares a snapshot with the head, and with what is held, and commits
// what of it is believed.
func (p *Pipeline) judge(ctx context.Context, t *tick, snapshot register.Snapshot, approved bool) (register.Run, []register.Change, error) {
	toHead, err := p.diff(ctx, t, snapshot)
	if err != nil {
		return register.Run{}, nil, err
	}
	toHeld, err := p.diffToHeld(ctx, t, snapshot)
	if err != nil {
		return register.Run{}, nil, err
	}
	seen := t.seen()
	seen.Approved = approved
	if seen.Earlier, err = p.earlier(ctx, t.def.ID, toHead.Added); err != nil {
		return register.Run{}, nil, err
	}
	t.news = len(toHead.Added)
	verdict := differ.Judge(toHead, toHeld, seen, t.def.Expect, t.head.Memory)
	if err := p.fill(ctx, t, verdict.Accepted); err != nil {
		return register.Run{}, nil, err
	}
	if verdict.Outcome == register.OutcomeHeld {
		t.run.Reason, t.run.Sample = heldReason(*verdict.Memory.Held), sampleOf(toHead)
	}
	return p.commit(ctx, t, verdict)
}

// read turns pages into a snapshot and proves how whole they are: gate 1.
func (p *Pipeline) read(ctx context.Context, def register.Definition, pages []register.Page, health register.Health) (register.Snapshot, register.Proof, error) {
	reader, err := p.reader(def)
	if err != nil {
		return register.Snapshot{}, nil, err
	}
	return reader.Read(ctx, pages, p.Open, health)
}

func (p *Pipeline) reader(def register.Definition) (*scraper.Reader, error) {
	reader, wrong := scraper.NewReader(def)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	if p.SmallIndexes {
		reader = reader.ByRowsFrom(0)
	}
	return reader, nil
}

// readNew reads what was fetched, and of entries that the head has only that they
// are there; all of it where the definition has changed.
func (p *Pipeline) readNew(ctx context.Context, t *tick, fetched scraper.Fetched, arriving *arrivals) (snapshot register.Snapshot, proof register.Proof, err error) {
	health := t.head.Memory.Health
	if t.lost {
		return p.read(ctx, t.def, fetched.Pages, health)
	}
	known, hashed := arriving.of(fetched)
	defer hashed.Close()
	t.known, t.loaded = known, known != nil
	if known == nil {
		if t.known, err = p.knownEntries(ctx, t); err != nil {
			return snapshot, proof, err
		}
	}
	reader, err := p.reader(t.def)
	if err != nil {
		return snapshot, proof, err
	}
	return reader.ReadAgainst(ctx, fetched.Pages, p.Open, fetched.Body, health, t.known, hashed)
}

// diff compares a snapshot with the head.
func (p *Pipeline) diff(ctx context.Context, t *tick, snapshot register.Snapshot) (toHead differ.Differences, err error) {
	var prev register.Snapshot
	if t.known == nil {
		prev.Entries, err = p.Heads.HeadEntries(ctx, t.def.ID)
	} else {
		prev.Entries, err = p.vanished(ctx, t, snapshot)
	}
	if err != nil {
		return toHead, err
	}
	toHead = differ.Diff(prev, snapshot)
	toHead.Same += snapshot.Again.Entries
	return differ.Relate(toHead, t.def), nil
}

// again gives the differences that the last complete fetch left open, for one
// that showed the same.
func (p *Pipeline) again(ctx context.Context, t *tick) (differ.Differences, error) {
	missing := t.head.Memory.Missing
	toHead := differ.Differences{Same: t.head.Entries - len(missing)}
	if len(missing) == 0 {
		return toHead, nil
	}
	entries, err := p.Heads.EntriesOf(ctx, t.def.ID, missing)
	for _, e := range entries {
		toHead.Removed = append(toHead.Removed, differ.Removal{Entry: e})
	}
	return toHead, err
}

// earlier finds the ended listings of what is new.
func (p *Pipeline) earlier(ctx context.Context, registerID string, added []register.Entry) (map[register.Key][]register.Period, error) {
	if len(added) == 0 {
		return nil, nil
	}
	keys := make([]register.Key, len(added))
	for i, e := range added {
		keys[i] = e.Key
	}
	return p.Heads.Periods(ctx, registerID, keys)
}

// commit records what gate 2 accepted.
func (p *Pipeline) commit(ctx context.Context, t *tick, v differ.Verdict) (register.Run, []register.Change, error) {
	t.run.Outcome = v.Outcome
	t.judged(v)
	return p.record(ctx, t, register.Commit{Accepted: v.Accepted})
}

// stop records a failure of the outside world. Anything else, and whatever comes
// of a context that ended, is not the register's story: the run may be repeated.
func (p *Pipeline) stop(ctx context.Context, t *tick, err error) (register.Run, []register.Change, error) {
	failure, ok := errors.AsType[*register.Failure](err)
	if !ok || ctx.Err() != nil {
		return register.Run{}, nil, err
	}
	return p.fail(ctx, t, failure.Class, failure.Error(), failure.Hint)
}

// fail records a run of which nothing can be believed. What to do about it
// belongs to the reason: whoever reads that, on a screen or in a mail, asks next.
func (p *Pipeline) fail(ctx context.Context, t *tick, class, reason, hint string) (register.Run, []register.Change, error) {
	if hint != "" {
		reason += " (" + hint + ")"
	}
	t.run.Outcome, t.run.Class, t.run.Reason = register.OutcomeFailed, class, reason
	return p.record(ctx, t, register.Commit{})
}

func (p *Pipeline) record(ctx context.Context, t *tick, c register.Commit) (register.Run, []register.Change, error) {
	c.HeadVersion = t.head.Version
	p.complete(t, &c)
	return p.submit(ctx, t, c)
}

// complete puts into a commit what the tick has come to.
func (p *Pipeline) complete(t *tick, c *register.Commit) {
	t.run.FinishedAt = p.Now().UTC()
	t.run.Counts = register.CountOf(c.Accepted)
	t.run.Waiting = len(t.memory.Missing)
	t.keeps = p.nameIndex(t, c.Accepted)
	c.Signals = t.signals() // which are noted in the memory
	c.Run, c.Memory = t.run, t.memory
}

// submit commits, and does what comes after that.
func (p *Pipeline) submit(ctx context.Context, t *tick, c register.Commit) (register.Run, []register.Change, error) {
	run, changes, err := p.Commits.Commit(ctx, c)
	if t.contradicted(err) {
		err = fmt.Errorf("%w: %w", errIndex, err)
	}
	if err != nil {
		return run, changes, err
	}
	if p.Committed != nil {
		p.Committed(ctx, run)
	}
	if t.keeps {
		p.keepIndex(t, run, len(c.Accepted) > 0)
	}
	return run, changes, err
}
