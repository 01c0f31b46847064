package differ

import "github.com/regwatch/regwatch/register"

// limits are the thresholds in force for a register, and what they say.
type limits register.Thresholds

func limitsOf(expect register.Expect) limits { return limits(expect.Thresholds.InForce()) }

// isFloodOfRemovals reports whether v of n entries are too many to vanish.
func (l limits) isFloodOfRemovals(v, n int) bool {
	most := min(float64(l.Removed)*float64(n), float64(l.ManyRemoved))
	return float64(v) > max(float64(l.FewRemoved), most) || v >= l.LeastRemoved && float64(v) > float64(l.SmallRemoved)*float64(n)
}

// isSwap reports whether a flood of v removals comes with so many additions
// that another list may stand in the register's place: many beside what
// vanished, or beside what is still there.
func (l limits) isSwap(a, v, known int) bool {
	return float64(a) >= float64(l.Swap)*float64(v) || !l.isKnown(known, a)
}

// isKnown reports whether enough of a page's entries are those of the register
// for the others to be its entries too.
func (l limits) isKnown(known, unknown int) bool {
	return float64(known) >= float64(l.Known)*float64(known+unknown)
}

// isStillThere reports whether a page that differs so knows enough of the
// head's entries to be about the same register, be it under other keys.
func (l limits) isStillThere(d Differences) bool {
	known := d.Same + len(d.Changed) + len(d.Rekeyed)
	return l.isKnown(known, len(d.Removed)+len(d.Reused))
}

// isFloodOfChanges reports whether c of n entries are too many to change.
func (l limits) isFloodOfChanges(c, n int) bool {
	most := max(float64(l.FewChanged), float64(l.Changed)*float64(n))
	return float64(c) > most || c >= l.LeastChanged && float64(c) > float64(l.SmallChanged)*float64(n)
}

// alarms gives every threshold that the differences of a complete fetch cross.
// Missing are the entries that were not there before either.
func (l limits) alarms(d Differences, seen Seen, missing map[identity]register.Missing, before register.Health) []register.Alarm {
	n := d.Same + len(d.Removed) + len(d.Changed) + len(d.Reused) + len(d.Rekeyed)
	var crossed []register.Alarm
	if v := vanished(d, missing); l.isFloodOfRemovals(v, n) {
		crossed = append(crossed, register.AlarmRemovals)
		if l.isSwap(len(d.Added), v, d.Same+len(d.Changed)+len(d.Rekeyed)) {
			crossed = append(crossed, register.AlarmSwap)
		}
	}
	if l.isFloodOfChanges(len(d.Changed)+len(d.Reused)+len(d.Rekeyed), n) {
		crossed = append(crossed, register.AlarmChanges)
	}
	if l.isEmptied(d, before.Filled) {
		crossed = append(crossed, register.AlarmEmptied)
	}
	if l.isMistyped(seen, before) {
		crossed = append(crossed, register.AlarmTypes)
	}
	return crossed
}

// vanished counts the removals that are new.
func vanished(d Differences, missing map[identity]register.Missing) int {
	v := 0
	for _, r := range d.Removed {
		if _, before := missing[identityOf(r.Entry)]; !before {
			v++
		}
	}
	return v
}

// isEmptied reports whether a field that was filled is suddenly empty in most
// of the entries that had it.
func (l limits) isEmptied(d Differences, filled map[string]int) bool {
	emptied := map[string]int{}
	for _, pairs := range [][]Pair{d.Changed, d.Reused} {
		for _, p := range pairs {
			for _, v := range p.Before.Fields {
				if p.After.Fields.Get(v.Name) == "" {
					emptied[v.Name]++
				}
			}
		}
	}
	for name, n := range emptied {
		if filled[name] >= l.Filled && float64(n) > float64(l.Emptied)*float64(filled[name]) {
			return true
		}
	}
	return false
}

// isMistyped reports whether most values of a field stopped being of
// their type.
func (l limits) isMistyped(seen Seen, before register.Health) bool {
	for name, odd := range seen.Odd {
		is := seen.Filled[name] >= l.Filled && float64(odd) > float64(l.Mistyped)*float64(seen.Filled[name])
		was := float64(before.Odd[name]) > float64(l.Mistyped)*float64(before.Filled[name])
		if is && before.Known && !was {
			return true
		}
	}
	return false
}
