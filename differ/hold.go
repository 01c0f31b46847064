package differ

import (
	"slices"

	"github.com/regwatch/regwatch/register"
)

// hold keeps back what crossed a threshold and lets the rest go on.
func (j *judgement) hold(crossed []register.Alarm) {
	j.holding = true
	swap := slices.Contains(crossed, register.AlarmSwap)
	changed := slices.ContainsFunc(crossed, func(a register.Alarm) bool {
		return a == register.AlarmChanges || a == register.AlarmEmptied || a == register.AlarmTypes
	})
	if !swap && !changed { // a key that was given to another entry hides a removal, which waits with the others
		j.toHead = j.toHead.withReusedApart()
	}
	held := register.Held{Digest: j.seen.Digest, Since: j.seen.At, Alarms: crossed, Removed: vanished(j.toHead, j.waiting)}
	if swap {
		held.Added = len(j.toHead.Added)
	} else {
		j.additions()
	}
	open := j.toHead
	if swap || changed {
		held.Changed = len(j.toHead.Changed) + len(j.toHead.Reused) + len(j.toHead.Rekeyed)
		open = open.withRekeyedApart()
	} else {
		j.changes()
	}
	if before := j.memory.Held; before != nil && before.Digest == held.Digest {
		held.First, held.Since = before.First, before.Since
	}
	j.memory.Held = &held
	j.keepWaiting(open)
}

// release ends a hold, if there is one.
func (j *judgement) release(why string) {
	if j.memory.Held != nil {
		j.memory.Held, j.released = nil, why
	}
}

// hasStood reports whether complete fetches have shown just what is held for
// long enough. A swap never has.
func (j *judgement) hasStood() bool {
	held := j.memory.Held
	return held != nil && held.Digest == j.seen.Digest && !held.Swap() && !j.expect.NeverRelease &&
		j.seen.At.Sub(held.Since) >= j.expect.HoldFor()
}

// hasEvolved reports whether this fetch has other entries than what is held,
// and differs from it by less than the thresholds: a page that lives is no
// accident. Other bytes alone do not do, for pages carry clocks and tokens. A
// wrong file may live too, so that what is or has become a swap must know the
// register still.
func (j *judgement) hasEvolved(toHeld *Differences, crossed []register.Alarm) bool {
	held := j.memory.Held
	if held == nil || toHeld == nil || toHeld.Empty() {
		return false
	}
	if swap := held.Swap() || slices.Contains(crossed, register.AlarmSwap); swap && !j.limits.isStillThere(j.toHead) {
		return false
	}
	return len(j.limits.alarms(*toHeld, j.seen, nil, register.Health{})) == 0
}

// believeEvolved accepts additions, changes, and the removals that the held
// snapshot and this one both show; those that only this one shows begin to wait.
func (j *judgement) believeEvolved(toHeld Differences) {
	stillHeld := map[register.Key]bool{}
	for _, r := range toHeld.withRekeyedApart().Removed {
		stillHeld[r.Entry.Key] = true
	}
	for _, r := range j.toHead.Removed {
		if stillHeld[r.Entry.Key] {
			j.removal(r, false)
		} else {
			j.removed(r)
		}
	}
	j.additions()
	j.changes()
	j.memory.Accept(j.seen.Digest)
}
