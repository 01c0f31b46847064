package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// largeHead is from how many entries on the index of a head is kept in a file: a
// smaller one is made of the store in no time.
const largeHead = 20_000

// errIndex says that an index knows other entries than the store.
var errIndex = errors.New("the index is not of this head")

// knownEntries gives the index of the head: from its file, or else made of the
// store. Where there is no head yet it is empty and learns.
func (p *Pipeline) knownEntries(ctx context.Context, t *tick) (*index.Index, error) {
	if !t.head.Baselined {
		return index.New(), nil
	}
	if p.keepsIndex(t.head.Entries) {
		if known, err := p.Indexes.Load(index.HeadOf(t.head)); err == nil {
			t.loaded = true
			return known, nil
		}
	}
	known := index.New()
	err := p.Heads.EachHeadEntry(ctx, t.def.ID, func(e register.Entry) error {
		known.Add(e.Identity())
		return nil
	})
	return known.Known(), err
}

func (p *Pipeline) keepsIndex(entries int) bool {
	least := largeHead
	if p.SmallIndexes {
		least = 0
	}
	return p.Indexes.Dir != "" && entries >= least
}

// nameIndex makes the index that of the head which a run is about to leave, and
// puts its name into the memory that is committed: whatever lies in its place
// later, from before or from elsewhere, is not taken for it. It reports whether
// there is something to keep.
func (p *Pipeline) nameIndex(t *tick, accepted []register.Accepted) bool {
	hasHead := t.head.Baselined || t.run.Outcome == register.OutcomeBaseline
	if t.known == nil || !hasHead || t.loaded && len(accepted) == 0 && !t.known.HasLearned() {
		return false
	}
	t.known.Apply(accepted)
	t.memory.Index = register.Hash{}
	if !p.keepsIndex(t.known.Len()) {
		return false
	}
	t.memory.Index = t.known.Sum()
	return true
}

// keepIndex writes the index of the head that a run has left. It only spares work:
// that it could not be written is no failure of the run.
func (p *Pipeline) keepIndex(t *tick, run register.Run, changed bool) {
	head := index.Head{
		Register: run.Register, Run: t.head.Run, Entries: run.Entries, Fingerprint: t.head.Fingerprint, Sum: t.memory.Index,
	}
	if run.Outcome == register.OutcomeBaseline || changed {
		head.Run = run.ID
	}
	if run.Proof.Complete() {
		head.Fingerprint = run.Fingerprint
	}
	if t.known.Len() == run.Entries {
		_ = p.Indexes.Save(t.known, head)
	}
}

// contradicted reports whether a commit was refused for what an index said of the
// head.
func (t *tick) contradicted(err error) bool {
	return t.loaded && (errors.Is(err, register.ErrListed) || errors.Is(err, register.ErrNotFound))
}

// Of more than manyVanished entries at once that a page does not show, those that
// nothing on it can be are kept bare, by key and content alone, and of a partial page,
// that tells of no absence, only those that wait: half of a large register may be gone
// from a page that was cut.
const (
	manyVanished = 20_000
	vanishedStep = 8192 // read at a time
)

// vanished gives the entries of the head that the page did not show, by key.
func (p *Pipeline) vanished(ctx context.Context, t *tick, page register.Snapshot) ([]register.Entry, error) {
	unseen := t.known.Unseen()
	keep := func(e register.Entry) (register.Entry, bool) { return e, true }
	if len(unseen) > manyVanished || p.SmallIndexes {
		keep = t.needs(page)
	}
	var entries []register.Entry
	for some := range slices.Chunk(unseen, vanishedStep) {
		read, err := p.Heads.HeadEntriesOf(ctx, t.def.ID, some)
		if err != nil {
			return nil, err
		}
		if len(read) != len(some) {
			return nil, fmt.Errorf("%d of %d entries that are not on the page: %w", len(read), len(some), errIndex)
		}
		for _, e := range read {
			if e, ok := keep(e); ok {
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(a, b register.Entry) int { return strings.Compare(string(a.Key), string(b.Key)) })
	return entries, nil
}

// needs gives of an entry that the page does not show what its judgement needs: all of
// it, key and content, or nothing.
func (t *tick) needs(page register.Snapshot) func(register.Entry) (register.Entry, bool) {
	concerned := differ.Concerned(page, t.def)
	waits := map[register.Hash]bool{}
	for _, m := range t.head.Memory.Missing {
		waits[register.Entry{Key: m.Key, Content: m.Content}.Identity()] = true
	}
	return func(e register.Entry) (register.Entry, bool) {
		if concerned(e) {
			return e, true
		}
		t.bare = true
		bare := register.Entry{Key: register.Key(strings.Clone(string(e.Key))), Content: e.Content}
		return bare, t.run.Proof.Complete() || waits[e.Identity()]
	}
}

// fill reads the entries that were judged bare and are removed.
func (p *Pipeline) fill(ctx context.Context, t *tick, accepted []register.Accepted) error {
	if !t.bare {
		return nil
	}
	at := map[register.Hash]int{}
	var identities []register.Hash
	for i, a := range accepted {
		if a.Before != nil && a.Before.Fields == nil {
			identities = append(identities, a.Before.Identity())
			at[a.Before.Identity()] = i
		}
	}
	if len(identities) == 0 {
		return nil
	}
	read, err := p.Heads.HeadEntriesOf(ctx, t.def.ID, identities)
	if err == nil && len(read) != len(identities) {
		err = fmt.Errorf("%d of %d entries that are removed: %w", len(read), len(identities), errIndex)
	}
	for i := range read {
		accepted[at[read[i].Identity()]].Before = &read[i]
	}
	return err
}

// Between compares the pages of two fetches, and keeps in memory only the entries
// that differ. Doubts say of a fetch that it may be a part, and why. A fetch that is not
// the register is a *[register.Failure].
func Between(ctx context.Context, def register.Definition, open scraper.Open, older, newer []register.Page, health register.Health) (d differ.Differences, doubts []string, err error) {
	reader, wrong := scraper.NewReader(def)
	if len(wrong) > 0 {
		return d, nil, wrong[0]
	}
	known := index.New()
	defer known.Close()
	if _, doubts, err = readReadable(ctx, reader, open, older, register.Health{}, known); err != nil {
		return d, nil, err
	}
	next, more, err := readReadable(ctx, reader, open, newer, health, known.Known())
	if err != nil {
		return d, nil, err
	}
	doubts = append(doubts, more...)
	gone := map[register.Hash]bool{}
	for _, identity := range known.Unseen() {
		gone[identity] = true
	}
	var prev register.Snapshot
	if len(gone) > 0 {
		_, _, err = reader.Each(ctx, older, open, register.Health{}, known, func(e register.Entry) error {
			if gone[e.Identity()] {
				prev.Entries = append(prev.Entries, e)
			}
			return nil
		})
	}
	d = differ.Diff(prev, next)
	d.Same += next.Again.Entries
	return differ.Relate(d, def), doubts, err
}

// readReadable reads pages against what is known, and fails where nothing of them
// can be believed. Doubts name the first proof that they lack.
func readReadable(ctx context.Context, reader *scraper.Reader, open scraper.Open, pages []register.Page, health register.Health, known *index.Index) (snapshot register.Snapshot, doubts []string, err error) {
	snapshot, proof, err := reader.ReadAgainst(ctx, pages, open, nil, health, known, nil)
	if err != nil {
		return snapshot, nil, err
	}
	if check := proof.Failed(); check != nil {
		return snapshot, nil, &register.Failure{Class: check.Class, Where: pages[0].URL, Err: fmt.Errorf("%s: %s", check.Name, check.Detail)}
	}
	if check := proof.Lacking(); check != nil {
		doubts = []string{fmt.Sprintf("%s: %s: %s", pages[0].URL, check.Name, check.Detail)}
	}
	return snapshot, doubts, nil
}
