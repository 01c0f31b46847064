package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// upgrade replaces the head by what the new definition, or our new parser, reads
// in the very pages that the head was last seen on. What differs then is ours and
// not the register's: it is recorded with origin upgrade, and announced to
// nobody. Entries that those pages lacked already are read in the pages that
// showed them last, and go on waiting.
func (p *Pipeline) upgrade(ctx context.Context, t *tick) error {
	seen, snapshot, proof, err := p.reread(ctx, t, t.head.BelievedRun)
	if err != nil {
		return err
	}
	if check := proof.Failed(); check != nil {
		return &register.Failure{
			Class: check.Class, Where: t.def.File,
			Hint: "Where a column was renamed, list its old and its new name under `from`; give the definition an id of its own if it is about another page.",
			Err:  fmt.Errorf("the changed definition cannot read the page that the head was last seen on: %s", check.Detail),
		}
	}
	u := *t
	u.memory.Seen = snapshot.Digest() // of the whole page alone: what is served again is known by it
	if err := p.addParts(ctx, t, &snapshot, t.memory.Parts); err != nil {
		return err
	}
	absent, waiting, err := p.absent(ctx, t, snapshot)
	if err != nil {
		return err
	}
	whole := snapshot
	whole.Entries = slices.Concat(snapshot.Entries, absent)
	toHead, err := p.diff(ctx, t, whole)
	if err != nil {
		return err
	}
	if t.head.Memory.Held != nil && len(toHead.Removed) <= toHead.Same+len(toHead.Changed) {
		toHead.Removed = nil // came while something was held, and keys are made as before: they stay as they were read
	}
	u.run.ObservedAt, u.run.Pages, u.run.Proof, u.run.Read = t.head.SeenAt, seen.Pages, proof, snapshot.Counts
	return p.replaceHead(ctx, t, &u, snapshot, replaced(toHead, waiting), waiting)
}

// adopt is an upgrade whose page is gone: the first complete fetch stands in
// for it. Where an entry is found again by its key, what differs is taken for
// our reading, and announced to nobody; what is new or gone is judged as ever.
func (p *Pipeline) adopt(ctx context.Context, t *tick, snapshot register.Snapshot, proof register.Proof) error {
	toHead, err := p.diff(ctx, t, snapshot)
	if err != nil {
		return err
	}
	toHead.Added, toHead.Removed = nil, nil
	u := *t
	u.memory.Seen = snapshot.Digest()
	u.run.Proof, u.run.Read = proof, snapshot.Counts
	u.hint = "The archived page that should have been read anew is gone; the page of this run was read in its place."
	return p.replaceHead(ctx, t, &u, snapshot, replaced(toHead, nil), t.head.Memory.Missing)
}

// replaceHead commits what the new reading makes of the head, and goes on with
// it. What the memory knows of the old reading goes.
func (p *Pipeline) replaceHead(ctx context.Context, t, u *tick, snapshot register.Snapshot, accepted []register.Accepted, waiting []register.Missing) (err error) {
	u.run.Trigger, u.run.Origin, u.run.Outcome = register.TriggerUpgrade, register.Upgrade, register.OutcomeUnchanged
	if len(accepted) > 0 {
		u.run.Outcome = register.OutcomeChanged
	}
	if t.head.Memory.Held != nil {
		u.released = "the definition or our parser changed, and what was held was read by the old one; if the page still says so, it is raised again"
	}
	m := &u.memory
	m.Validators, m.Missing = register.Validators{}, waiting
	m.Health.Shape, m.Health.Filled, m.Health.Odd = snapshot.Shape, snapshot.Filled(), snapshot.Counts.Odd
	m.Accepted, m.Held, m.Older, m.Rejected = []register.Hash{m.Seen}, nil, nil, nil
	if _, _, err := p.record(ctx, u, register.Commit{Accepted: accepted}); err != nil {
		return err
	}
	t.head, err = p.Heads.Head(ctx, t.def.ID)
	t.memory = t.head.Memory
	return err
}

// reread reads the archived pages of a run with the definition at hand.
func (p *Pipeline) reread(ctx context.Context, t *tick, id register.RunID) (register.Run, register.Snapshot, register.Proof, error) {
	run, err := p.Heads.Run(ctx, id)
	if err != nil {
		return run, register.Snapshot{}, nil, fmt.Errorf("read the pages of run %s anew: %w", id, err)
	}
	snapshot, proof, err := p.read(ctx, t.def, run.Pages, t.head.Memory.Health)
	if err != nil {
		return run, register.Snapshot{}, nil, fmt.Errorf("read the pages of run %s anew: %w", id, err)
	}
	return run, snapshot, proof, nil
}

// absent gives the entries that wait for their removal as the definition at hand
// reads them, by the page that showed them last, and what waits then. Where that
// page cannot be read, an entry waits as it is.
func (p *Pipeline) absent(ctx context.Context, t *tick, current register.Snapshot) (entries []register.Entry, waiting []register.Missing, err error) {
	bySeen := map[register.RunID][]register.Missing{}
	for _, m := range t.head.Memory.Missing {
		bySeen[m.Seen] = append(bySeen[m.Seen], m)
	}
	known := register.Snapshot{Entries: slices.Clone(current.Entries), Delisted: current.Delisted}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(bySeen))) { // the latest pages first
		before, err := p.older(ctx, t, bySeen[id][0])
		if err != nil {
			return nil, nil, err
		}
		if before == nil {
			waiting = append(waiting, bySeen[id]...)
			continue
		}
		found := 0
		for _, r := range differ.Diff(*before, known).Removed {
			if r.Statement != nil {
				continue
			}
			m := bySeen[id][0]
			m.Key, m.Content = r.Entry.Key, r.Entry.Content
			entries, waiting = append(entries, r.Entry), append(waiting, m)
			known.Entries = append(known.Entries, r.Entry)
			found++
		}
		waiting = append(waiting, notOn(*before, bySeen[id], found)...)
	}
	return entries, waiting, nil
}

// notOn gives those of the missing entries that a whole page never showed: only
// a fetch that was cut did. Found is how many others it showed; if it shows none
// of their keys, keys are made otherwise now and those were all.
func notOn(page register.Snapshot, missing []register.Missing, found int) []register.Missing {
	keys := map[register.Key]bool{}
	for _, e := range slices.Concat(page.Entries, page.Delisted) {
		keys[e.Key] = true
	}
	var left []register.Missing
	for _, m := range missing {
		if !keys[m.Key] {
			left = append(left, m)
		}
	}
	if found == len(missing) || found > 0 && len(left) == len(missing) {
		return nil
	}
	return left
}

// older reads the pages anew on which a missing entry may have been seen last;
// nil where they can not be read.
func (p *Pipeline) older(ctx context.Context, t *tick, m register.Missing) (*register.Snapshot, error) {
	if m.Seen == 0 {
		return nil, nil
	}
	snapshot, err := p.readable(ctx, t, m.Seen)
	if snapshot == nil || err != nil {
		return nil, err
	}
	return snapshot, p.addParts(ctx, t, snapshot, m.Parts)
}

// addParts adds what only later fetches showed that were not believed whole. What
// they show under another key is not believed. What they show with other content
// is, where an entry had waited meanwhile: of that, the older page is not known.
func (p *Pipeline) addParts(ctx context.Context, t *tick, snapshot *register.Snapshot, parts []register.RunID) error {
	for _, id := range parts { // the first that shows an entry is the one that brought it
		part, err := p.readable(ctx, t, id)
		if err != nil {
			return err
		}
		if part == nil {
			continue
		}
		for _, r := range differ.Relate(differ.Diff(*part, *snapshot), t.def).Removed {
			if r.Statement == nil {
				snapshot.Entries = append(snapshot.Entries, r.Entry)
			}
		}
	}
	return nil
}

// readable reads the pages of a run anew; nil where that can not be done.
func (p *Pipeline) readable(ctx context.Context, t *tick, id register.RunID) (*register.Snapshot, error) {
	_, snapshot, proof, err := p.reread(ctx, t, id)
	if errors.Is(err, fs.ErrNotExist) || err == nil && proof.Failed() != nil {
		return nil, nil
	}
	return &snapshot, err
}

// replaced accepts every difference, save the absence of what waits.
func replaced(d differ.Differences, waiting []register.Missing) []register.Accepted {
	type identity struct {
		key     register.Key
		content register.Hash
	}
	waits := map[identity]bool{}
	for _, m := range waiting {
		waits[identity{m.Key, m.Content}] = true
	}
	var accepted []register.Accepted
	for i := range d.Added {
		accepted = append(accepted, register.Accepted{Kind: register.Added, After: &d.Added[i]})
	}
	for _, pair := range slices.Concat(d.Changed, d.Reused) { // under our new reading a name may differ too
		accepted = append(accepted, register.Accepted{Kind: register.Changed, Before: &pair.Before, After: &pair.After})
	}
	for i := range d.Rekeyed {
		accepted = append(accepted, register.Accepted{Kind: register.Rekeyed, Before: &d.Rekeyed[i].Before, After: &d.Rekeyed[i].After})
	}
	for i := range d.Removed {
		if e := d.Removed[i].Entry; !waits[identity{e.Key, e.Content}] {
			accepted = append(accepted, register.Accepted{Kind: register.Removed, Before: &d.Removed[i].Entry})
		}
	}
	return accepted
}
