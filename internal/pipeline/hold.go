package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// diffToHeld compares a snapshot with the one that is held, read again from its
// archived pages; nil when nothing is held, or its pages are gone.
func (p *Pipeline) diffToHeld(ctx context.Context, t *tick, snapshot register.Snapshot) (*differ.Differences, error) {
	held := t.head.Memory.Held
	switch {
	case held == nil:
		return nil, nil
	case held.Digest == t.memory.Seen && !t.run.Partial:
		return &differ.Differences{Same: snapshot.Len()}, nil
	case t.known != nil:
		return p.betweenHeld(ctx, t, *held)
	}
	before, err := p.heldSnapshot(ctx, t.def, *held)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it can not be told whether the page has evolved: the hold goes on
	}
	if err != nil {
		return nil, err
	}
	d := differ.Relate(differ.Diff(before, snapshot), t.def)
	return &d, nil
}

// betweenHeld is diffToHeld where the snapshot lacks what the head has.
func (p *Pipeline) betweenHeld(ctx context.Context, t *tick, held register.Held) (*differ.Differences, error) {
	run, err := p.Heads.Run(ctx, held.Run)
	if err != nil {
		return nil, fmt.Errorf("read what run %s holds: %w", held.Run, err)
	}
	d, _, err := Between(ctx, t.def, p.Open, run.Pages, t.run.Pages, t.head.Memory.Health)
	if _, unreadable := errors.AsType[*register.Failure](err); unreadable || errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it can not be told whether the page has evolved: the hold goes on
	}
	if err != nil {
		return nil, fmt.Errorf("read what run %s holds: %w", held.Run, err)
	}
	return &d, nil
}

func (p *Pipeline) heldSnapshot(ctx context.Context, def register.Definition, held register.Held) (register.Snapshot, error) {
	run, err := p.Heads.Run(ctx, held.Run)
	if err != nil {
		return register.Snapshot{}, fmt.Errorf("read what run %s holds: %w", held.Run, err)
	}
	snapshot, proof, err := p.read(ctx, def, run.Pages, register.Health{})
	if err != nil {
		return register.Snapshot{}, fmt.Errorf("read what run %s holds: %w", held.Run, err)
	}
	if check := proof.Failed(); check != nil {
		return register.Snapshot{}, fmt.Errorf("read what run %s holds: %s", held.Run, check.Detail)
	}
	return snapshot, nil
}

// ErrNotHeld is why a run can be neither approved nor rejected.
var ErrNotHeld = errors.New("this is not the register's latest held run")

// Approve believes what the register's latest held run shows, judged anew
// against the head as it is now: what partial fetches showed since is there too.
func (p *Pipeline) Approve(ctx context.Context, def register.Definition, id register.RunID) (register.Run, []register.Change, error) {
	t, held, err := p.byHand(ctx, def, id)
	if err != nil {
		return register.Run{}, nil, err
	}
	run, err := p.Heads.Run(ctx, id)
	if err != nil {
		return register.Run{}, nil, err
	}
	snapshot, err := p.heldSnapshot(ctx, def, held)
	if err != nil {
		return register.Run{}, nil, err
	}
	for _, part := range t.head.Memory.Parts {
		if part > id {
			t.later = append(t.later, part)
		}
	}
	if err := p.addParts(ctx, t, &snapshot, t.later); err != nil {
		return register.Run{}, nil, err
	}
	t.run.Pages, t.run.Proof, t.run.Read = run.Pages, run.Proof, run.Read
	t.memory.Seen = held.Digest
	t.health = t.head.Memory.Health
	t.health.Shape, t.health.Filled, t.health.Odd = snapshot.Shape, snapshot.Filled(), snapshot.Counts.Odd
	return p.judge(ctx, t, snapshot, true)
}

// Reject drops what the register's latest held run shows, and remembers it, so
// that the same content is not raised again.
func (p *Pipeline) Reject(ctx context.Context, def register.Definition, id register.RunID) (register.Run, []register.Change, error) {
	t, held, err := p.byHand(ctx, def, id)
	if err != nil {
		return register.Run{}, nil, err
	}
	t.run.Outcome = register.OutcomeUnchanged
	t.run.Reason = fmt.Sprintf("what run %s held was rejected by a person", id)
	t.released = "rejected by a person"
	t.memory.Held = nil
	t.memory.Rejected = append(slices.Clone(t.memory.Rejected), held.Digest)
	return p.record(ctx, t, register.Commit{})
}

// byHand begins a run that a person makes of a held one.
func (p *Pipeline) byHand(ctx context.Context, def register.Definition, id register.RunID) (*tick, register.Held, error) {
	head, err := p.Heads.Head(ctx, def.ID)
	if err != nil {
		return nil, register.Held{}, err
	}
	held := head.Memory.Held
	if held == nil || held.Run != id {
		return nil, register.Held{}, fmt.Errorf("run %s of %s: %w", id, def.ID, ErrNotHeld)
	}
	return p.begin(def, register.Due{Register: def.ID, Tick: p.Now().UTC(), Trigger: register.TriggerManual}, head), *held, nil
}

// heldReason says what is held and why, for people.
func heldReason(h register.Held) string {
	var why []string
	for _, a := range h.Alarms {
		why = append(why, string(a))
	}
	return fmt.Sprintf("%s: %d removals, %d additions and %d changes are not believed yet", strings.Join(why, ", "), h.Removed, h.Added, h.Changed)
}

// maxSample bounds how many entries stand for what is held.
const maxSample = 10

// sampleOf shows a few of the differences, as they would be announced.
func sampleOf(d differ.Differences) []string {
	var sample []string
	show := func(mark string, key register.Key) {
		if len(sample) < maxSample {
			sample = append(sample, mark+" "+key.Display())
		}
	}
	for _, r := range d.Removed[:min(len(d.Removed), maxSample/2)] {
		show("-", r.Entry.Key)
	}
	for _, c := range d.Changed[:min(len(d.Changed), maxSample/2)] {
		show("~", c.After.Key)
	}
	for _, e := range d.Added {
		show("+", e.Key)
	}
	return sample
}
