package differ

import "github.com/regwatch/regwatch/register"

// Thresholds of gate 2, tried on fifteen real series. Shares are of the head's
// entries; expect.flood sets other ones.
const (
	fewRemovals     = 5    // so many may vanish from any register
	removedShare    = 0.02 // above which it is a flood,
	manyRemovals    = 1000 // and above so many in any case
	removedSmall    = 0.25 // of a small register, from twoRemovals on
	twoRemovals     = 2
	swapShare       = 0.5 // additions per vanished entry that make a flood a swap
	fewChanges      = 25
	changedShare    = 0.20
	changedSmall    = 0.5 // of a small register, from fiveChanges on
	fiveChanges     = 5
	filledAtLeast   = 5   // entries with a field, for its emptying to count
	emptiedShare    = 0.5 // of them
	knownShare      = 0.5 // of a page's entries that must be known, where the page is partial or lacks a flood of them
	wrongTypedShare = 0.5 // of a field's values
)

// isFloodOfRemovals reports whether v of n entries are too many to vanish.
func isFloodOfRemovals(v, n int, expect register.Expect) bool {
	limit, small := min(removedShare*float64(n), manyRemovals), removedSmall
	if share := float64(expect.FloodRemoved); share > 0 {
		limit, small = share*float64(n), max(removedSmall, share)
	}
	return float64(v) > max(fewRemovals, limit) || v >= twoRemovals && float64(v) > small*float64(n)
}

// isSwap reports whether a flood of v removals comes with so many additions
// that another list may stand in the register's place: many beside what
// vanished, or beside what is still there.
func isSwap(a, v, known int) bool {
	return float64(a) >= swapShare*float64(v) || !isKnown(known, a)
}

// isKnown reports whether enough of a page's entries are those of the register
// for the others to be its entries too.
func isKnown(known, unknown int) bool {
	return float64(known) >= knownShare*float64(known+unknown)
}

// isFloodOfChanges reports whether c of n entries are too many to change.
func isFloodOfChanges(c, n int, expect register.Expect) bool {
	share, small := changedShare, changedSmall
	if set := float64(expect.FloodChanged); set > 0 {
		share, small = set, max(changedSmall, set)
	}
	return float64(c) > max(fewChanges, share*float64(n)) || c >= fiveChanges && float64(c) > small*float64(n)
}

// alarms gives every threshold that the differences of a complete fetch cross.
// Missing are the entries that were not there before either.
func alarms(d Differences, seen Seen, expect register.Expect, missing map[identity]register.Missing, before register.Health) []register.Alarm {
	n := d.Same + len(d.Removed) + len(d.Changed) + len(d.Reused) + len(d.Rekeyed)
	var crossed []register.Alarm
	if v := vanished(d, missing); isFloodOfRemovals(v, n, expect) {
		crossed = append(crossed, register.AlarmRemovals)
		if isSwap(len(d.Added), v, d.Same+len(d.Changed)+len(d.Rekeyed)) {
			crossed = append(crossed, register.AlarmSwap)
		}
	}
	if isFloodOfChanges(len(d.Changed)+len(d.Reused)+len(d.Rekeyed), n, expect) {
		crossed = append(crossed, register.AlarmChanges)
	}
	if isEmptied(d, before.Filled) {
		crossed = append(crossed, register.AlarmEmptied)
	}
	if isOtherwiseTyped(seen, before) {
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
func isEmptied(d Differences, filled map[string]int) bool {
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
		if filled[name] >= filledAtLeast && float64(n) > emptiedShare*float64(filled[name]) {
			return true
		}
	}
	return false
}

// isOtherwiseTyped reports whether most values of a field stopped being of
// their type.
func isOtherwiseTyped(seen Seen, before register.Health) bool {
	for name, odd := range seen.Odd {
		isMost := seen.Filled[name] >= filledAtLeast && float64(odd) > wrongTypedShare*float64(seen.Filled[name])
		wasMost := float64(before.Odd[name]) > wrongTypedShare*float64(before.Filled[name])
		if isMost && before.Known && !wasMost {
			return true
		}
	}
	return false
}
