package pipeline

import (
	"context"
	"errors"
	"iter"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// largeFirst is from how many bytes on a first fetch is read once, into a commit that
// is undone when the pages turn out not to be whole. A smaller one is read twice: to
// prove that it is whole before anything is written, and once more.
const largeFirst = 4 << 20

// errNotWhole ends a commit of pages that turned out not to be whole.
var errNotWhole = errors.New("a first fetch must be whole")

// baseline records the first complete fetch. One that is not complete is no
// baseline: what it lacks would be announced as new later.
func (p *Pipeline) baseline(ctx context.Context, t *tick) (register.Run, []register.Change, error) {
	if !t.run.Proof.Complete() {
		return p.notWhole(ctx, t)
	}
	t.run.Outcome = register.OutcomeBaseline
	t.memory.Accept(t.memory.Seen)
	t.believed()
	read := func(ctx context.Context, yield func(register.Entry) error) error {
		_, _, err := p.readEach(ctx, t, yield)
		return err
	}
	return p.record(ctx, t, register.Commit{Baseline: together(ctx, read)})
}

// notWhole records that a first fetch can not be the baseline.
func (p *Pipeline) notWhole(ctx context.Context, t *tick) (register.Run, []register.Change, error) {
	if check := t.run.Proof.Failed(); check != nil {
		return p.fail(ctx, t, check.Class, t.reason(*check), advice(*check))
	}
	return p.fail(ctx, t, register.ClassCut, errNotWhole.Error()+", but "+t.reason(*t.run.Proof.Lacking()), "")
}

// readsOnce reports whether a first fetch is large, and nothing says yet that it is
// not whole. What was not the last time is proved before it is written.
func (p *Pipeline) readsOnce(t *tick) bool {
	if t.head.Baselined {
		return false
	}
	if last := t.head.Memory.Failing; last != nil && last.Class != register.ClassStatus && last.Class != register.ClassUnreachable {
		return false
	}
	bytes := int64(0)
	for _, page := range t.run.Pages {
		if page.Framing == register.FramedCut || page.Framing == register.FramedByClose {
			return false
		}
		bytes += page.Bytes
	}
	return bytes >= largeFirst || p.SmallIndexes
}

// baselineAtOnce records a first fetch whose entries are committed while it is read.
// What it proves to be is judged at its end, and then all of it is committed or
// nothing is.
func (p *Pipeline) baselineAtOnce(ctx context.Context, t *tick, fetched scraper.Fetched) (register.Run, []register.Change, error) {
	t.known = index.New()
	t.run.Outcome = register.OutcomeBaseline
	var snapshot register.Snapshot
	var proof register.Proof
	read := func(ctx context.Context, yield func(register.Entry) error) (err error) {
		snapshot, proof, err = p.readEach(ctx, t, yield)
		return err
	}
	commit := register.Commit{Run: t.run, HeadVersion: t.head.Version, Baseline: together(ctx, read)}
	commit.Conclude = func(c *register.Commit) error {
		t.read(fetched, snapshot, proof)
		if !proof.Complete() {
			return errNotWhole
		}
		t.memory.Accept(t.memory.Seen)
		t.believed()
		p.complete(t, c)
		return nil
	}
	run, changes, err := p.submit(ctx, t, commit)
	if errors.Is(err, errNotWhole) {
		return p.notWhole(ctx, t)
	}
	return run, changes, err
}

// readEach reads the pages of the run, and yields their entries.
func (p *Pipeline) readEach(ctx context.Context, t *tick, yield func(register.Entry) error) (register.Snapshot, register.Proof, error) {
	reader, err := p.reader(t.def)
	if err != nil {
		return register.Snapshot{}, nil, err
	}
	return reader.Each(ctx, t.run.Pages, p.Open, t.head.Memory.Health, t.known, yield)
}

// batch is how many entries are handed on at once from their reading to their
// commit.
const batch = 512

// together gives the entries of a reading while it goes on: those before are being
// committed, and of a large one they are nowhere in memory at once. When all were
// given the reading has returned.
func together(ctx context.Context, read func(ctx context.Context, yield func(register.Entry) error) error) iter.Seq2[register.Entry, error] {
	return func(yield func(register.Entry, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		batches := make(chan []register.Entry, 2)
		failed := make(chan error, 1)
		go func() {
			defer close(batches)
			failed <- inBatches(ctx, read, batches)
		}()
		defer func() { // the reading ends before the commit does
			cancel()
			for range batches {
			}
		}()
		for entries := range batches {
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}
		if err := <-failed; err != nil {
			yield(register.Entry{}, err)
		}
	}
}

// inBatches sends what is read.
func inBatches(ctx context.Context, read func(ctx context.Context, yield func(register.Entry) error) error, batches chan<- []register.Entry) error {
	var entries []register.Entry
	send := func() error {
		select {
		case batches <- entries:
			entries = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := read(ctx, func(e register.Entry) error {
		if entries = append(entries, e); len(entries) == batch {
			return send()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return send()
}
