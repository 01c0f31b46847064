package pipeline

import (
	"context"
	"fmt"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// upgrade replaces the head by what the new definition, or our new parser, reads
// in the very pages that the head was last seen on. What differs then is ours and
// not the register's: it is recorded with origin upgrade, and announced to
// nobody. Entries that those pages lacked already keep waiting as they are.
func (p *Pipeline) upgrade(ctx context.Context, t *tick) error {
	seen, err := p.Heads.Run(ctx, t.head.SeenRun)
	if err != nil {
		return fmt.Errorf("read the head's last pages anew: %w", err)
	}
	snapshot, proof, err := p.read(ctx, t.def, seen.Pages, register.Health{})
	if err != nil {
		return fmt.Errorf("read the head's last pages anew: %w", err)
	}
	if check := proof.Failed(); check != nil {
		return &register.Failure{
			Class: check.Class, Where: t.def.File,
			Hint: "Give the definition an id of its own if it is about another page, or mend it until `regwatch extract` reads the archived page.",
			Err:  fmt.Errorf("the changed definition cannot read the page that the head was last seen on: %s", check.Detail),
		}
	}
	toHead, err := p.diff(ctx, t, snapshot)
	if err != nil {
		return err
	}
	u := *t
	u.run.Trigger, u.run.Origin, u.run.Outcome = register.TriggerUpgrade, register.Upgrade, register.OutcomeUnchanged
	u.run.ObservedAt, u.run.Pages, u.run.Proof, u.run.Read = t.head.SeenAt, seen.Pages, proof, snapshot.Counts
	accepted := replaced(toHead, t.head.Memory)
	if len(accepted) > 0 {
		u.run.Outcome = register.OutcomeChanged
	}
	u.memory.Validators = register.Validators{}
	u.memory.Health.Shape, u.memory.Health.Filled, u.memory.Health.Odd = snapshot.Shape, snapshot.Filled(), snapshot.Counts.Odd
	u.memory.Seen = snapshot.Digest()
	u.memory.Accepted, u.memory.Held, u.memory.Older, u.memory.Rejected = []register.Hash{u.memory.Seen}, nil, nil, nil // of the old reading
	if _, _, err := p.record(ctx, &u, register.Commit{Accepted: accepted}); err != nil {
		return err
	}
	t.head, err = p.Heads.Head(ctx, t.def.ID)
	t.memory = t.head.Memory
	return err
}

// replaced accepts every difference, save the absence of what was missing
// before.
func replaced(d differ.Differences, memory register.Memory) []register.Accepted {
	waiting := map[register.Key]bool{}
	for _, m := range memory.Missing {
		waiting[m.Key] = true
	}
	var accepted []register.Accepted
	for i := range d.Added {
		accepted = append(accepted, register.Accepted{Kind: register.Added, After: &d.Added[i]})
	}
	for i := range d.Changed {
		accepted = append(accepted, register.Accepted{Kind: register.Changed, Before: &d.Changed[i].Before, After: &d.Changed[i].After})
	}
	for i := range d.Rekeyed {
		accepted = append(accepted, register.Accepted{Kind: register.Rekeyed, Before: &d.Rekeyed[i].Before, After: &d.Rekeyed[i].After})
	}
	for i := range d.Removed {
		if !waiting[d.Removed[i].Entry.Key] {
			accepted = append(accepted, register.Accepted{Kind: register.Removed, Before: &d.Removed[i].Entry})
		}
	}
	return accepted
}
