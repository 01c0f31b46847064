package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

var errInjected = errors.New("injected fault")

// faults fails calls at random: some before they are carried out, some after,
// so that the caller is told of a failure although the work was done.
type faults struct {
	random *rand.Rand
	count  int
}

// call carries out do, unless it fails before.
func (f *faults) call(do func() error) error {
	switch f.random.IntN(6) {
	case 0:
		f.count++
		return errInjected
	case 1:
		f.count++
		return errors.Join(do(), errInjected)
	}
	return do()
}

type faultyStore struct {
	pipeline.Heads
	pipeline.Commits
	*faults
}

func (s faultyStore) Head(ctx context.Context, id string) (head register.Head, err error) {
	err = s.call(func() error { head, err = s.Heads.Head(ctx, id); return err })
	return head, err
}

func (s faultyStore) HeadEntries(ctx context.Context, id string) (entries []register.Entry, err error) {
	err = s.call(func() error { entries, err = s.Heads.HeadEntries(ctx, id); return err })
	return entries, err
}

func (s faultyStore) Commit(ctx context.Context, c register.Commit) (run register.Run, changes []register.Change, err error) {
	err = s.call(func() error { run, changes, err = s.Commits.Commit(ctx, c); return err })
	return run, changes, err
}

type faultySource struct {
	pipeline.Source
	*faults
}

func (s faultySource) Fetch(ctx context.Context, def register.Definition, v register.Validators, watch scraper.Watch) (fetched scraper.Fetched, err error) {
	err = s.call(func() error { fetched, err = s.Source.Fetch(ctx, def, v, watch); return err })
	return fetched, err
}

// TestFaultsBetweenAnyTwoStepsChangeNothing plays one story twice: undisturbed,
// and with every step failing now and then, before or after it was carried out,
// and the run then repeated as the broker would. Both must commit the same.
func TestFaultsBetweenAnyTwoStepsChangeNothing(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			want := play(t, seed, nil)
			f := &faults{random: rand.New(rand.NewPCG(seed, 1))}
			got := play(t, seed, f)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if f.count < 10 {
				t.Errorf("only %d faults were injected", f.count)
			}
		})
	}
}

// play runs a story of pages and gives the changes that were committed.
func play(t *testing.T, seed uint64, f *faults) []string {
	b := newBench(t)
	if f != nil {
		store := faultyStore{Heads: b.Heads, Commits: b.Commits, faults: f}
		open := b.Open
		b.Heads, b.Commits, b.Source = store, store, faultySource{b.Source, f}
		b.Open = func(sha256 string) (body io.ReadCloser, err error) {
			if f.random.IntN(6) == 0 {
				f.count++
				return nil, errInjected
			}
			return open(sha256)
		}
	}
	random := rand.New(rand.NewPCG(seed, 0))
	rows := []string{"0,a", "1,b", "2,c", "3,d", "4,e", "5,f"}
	for step := range 30 {
		switch random.IntN(4) {
		case 0:
			rows = append(rows, fmt.Sprintf("%d,new", 10+step))
		case 1:
			if len(rows) > 2 {
				at := random.IntN(len(rows))
				rows = slices.Delete(slices.Clone(rows), at, at+1)
			}
		case 2:
			at := random.IntN(len(rows))
			rows[at] = fmt.Sprintf("%s,changed %d", rows[at][:1], step)
		}
		b.publish(rows...)
		b.runUntilRecorded()
	}
	return b.committed()
}

// runUntilRecorded repeats the run of one tick until it is recorded.
func (b *bench) runUntilRecorded() {
	b.Helper()
	due := b.due()
	for range 1000 {
		switch _, _, err := b.Run(b.Context(), b.def, due); {
		case err == nil || errors.Is(err, register.ErrAlreadyRun):
			return
		case !errors.Is(err, errInjected):
			b.Fatal(err)
		}
	}
	b.Fatal("the run is never recorded")
}

func (b *bench) committed() []string {
	b.Helper()
	var lines []string
	err := b.store.Changes(b.Context(), register.ChangeFilter{}, func(c register.Change) error {
		lines = append(lines, fmt.Sprintf("%d %s %s %v %v", *c.Sequence, c.Kind, c.Key, c.Before, c.After))
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return lines
}
