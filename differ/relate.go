package differ

import (
	"slices"

	"github.com/regwatch/regwatch/register"
)

// Relate finds, by what a definition says of its fields, which differences are
// about something else than they seem: entries that only got another key, and
// keys that were given to another entry.
func Relate(d Differences, def register.Definition) Differences {
	l := limitsOf(def.Expect)
	return d.withRekeyed(def, l).withReused(def, l)
}

// withRekeyed takes out the pairs of a vanished and a new entry that are the
// same entry under another key: equal in all their filled fields outside the
// key, and unique by them among the vanished and among the new. Too few
// such pairs may be chance and stay as they are.
func (d Differences) withRekeyed(def register.Definition, l limits) Differences {
	vanished, arrived := marks{}, marks{}
	for i, r := range d.Removed {
		if mark, ok := outsideKey(r.Entry, def, l); ok && r.Statement == nil {
			vanished.add(mark, i)
		}
	}
	for i, e := range d.Added {
		if mark, ok := outsideKey(e, def, l); ok {
			if _, wanted := vanished[mark]; wanted {
				arrived.add(mark, i)
			}
		}
	}
	var pairs []pairAt
	for mark, after := range arrived {
		if before := vanished[mark]; before != several && after != several {
			pairs = append(pairs, pairAt{before, after})
		}
	}
	if len(pairs) < l.RekeyPairs {
		return d
	}
	return d.rekeyed(pairs)
}

// marks are the positions of entries by what they say outside their keys.
type marks map[register.Hash]int

const several = -1 // positions

func (m marks) add(mark register.Hash, position int) {
	if _, there := m[mark]; there {
		position = several
	}
	m[mark] = position
}

func (d Differences) rekeyed(pairs []pairAt) Differences {
	slices.SortFunc(pairs, func(a, b pairAt) int { return a.after - b.after })
	olds, news := map[int]bool{}, map[int]bool{}
	for _, p := range pairs {
		olds[p.before], news[p.after] = true, true
		d.Rekeyed = append(d.Rekeyed, Pair{d.Removed[p.before].Entry, d.Added[p.after]})
	}
	d.Removed = leaveOut(d.Removed, olds)
	d.Added = leaveOut(d.Added, news)
	return d
}

// Concerned reports of an entry that a page does not show whether something on the
// page may be that entry: under its key, or under another. Any other is missing, and no
// more: to judge that, its key and content are enough.
func Concerned(page register.Snapshot, def register.Definition) func(register.Entry) bool {
	l := limitsOf(def.Expect)
	keys, outside := map[register.Key]struct{}{}, map[register.Hash]struct{}{}
	for _, e := range page.Entries {
		keys[e.Key] = struct{}{}
		if mark, ok := outsideKey(e, def, l); ok {
			outside[mark] = struct{}{}
		}
	}
	for _, e := range page.Delisted {
		keys[e.Key] = struct{}{}
	}
	return func(e register.Entry) bool {
		if _, there := keys[e.Key]; there {
			return true
		}
		mark, ok := outsideKey(e, def, l)
		_, there := outside[mark]
		return ok && there
	}
}

// outsideKey is a hash of what an entry says outside its key; false when that is
// too little to know it again by, as dates alone are.
func outsideKey(e register.Entry, def register.Definition, l limits) (register.Hash, bool) {
	outside := make(register.Values, 0, len(e.Fields))
	telling := false
	for _, v := range e.Fields {
		text := register.Normalize(v.Text)
		if text == "" || slices.Contains(def.Key, v.Name) || slices.Contains(def.Ignore, v.Name) {
			continue
		}
		field, _ := def.Field(v.Name)
		telling = telling || field.Type != register.TypeDate && field.Type != register.TypeDatetime
		outside = append(outside, register.Value{Name: v.Name, Text: text})
	}
	if len(outside) < l.RekeyFields || !telling {
		return register.Hash{}, false
	}
	return register.ContentHash(outside), true
}

func leaveOut[T any](all []T, out map[int]bool) []T {
	var kept []T
	for i, v := range all {
		if !out[i] {
			kept = append(kept, v)
		}
	}
	return kept
}

// withReused takes out the changes that are no amendment: the name differs, and
// with it too many of the other filled fields outside the key.
func (d Differences) withReused(def register.Definition, l limits) Differences {
	if _, named := def.Field(register.FieldName); !named || slices.Contains(def.Key, register.FieldName) {
		return d
	}
	var amended []Pair
	for _, p := range d.Changed {
		if isReused(p, def, l) {
			d.Reused = append(d.Reused, p)
		} else {
			amended = append(amended, p)
		}
	}
	d.Changed = amended
	return d
}

// withRekeyedApart takes entries under another key for removals and additions
// again.
func (d Differences) withRekeyedApart() Differences {
	d.Reused, d.Rekeyed = slices.Concat(d.Reused, d.Rekeyed), nil
	return d.withReusedApart()
}

// withReusedApart takes a key that was given to another entry for a removal and
// an addition, each of which is judged for itself.
func (d Differences) withReusedApart() Differences {
	for _, p := range d.Reused {
		d.Added = append(slices.Clip(d.Added), p.After)
		d.Removed = append(slices.Clip(d.Removed), Removal{Entry: p.Before})
	}
	d.Reused = nil
	return d
}

func isReused(p Pair, def register.Definition, l limits) bool {
	before, after := p.Before.Fields.Get(register.FieldName), p.After.Fields.Get(register.FieldName)
	if before == "" || after == "" || register.Normalize(before) == register.Normalize(after) {
		return false
	}
	filled, differing := 0, 0
	for _, field := range def.Fields {
		if field.Name == register.FieldName || slices.Contains(def.Key, field.Name) || slices.Contains(def.Ignore, field.Name) {
			continue
		}
		before, after := register.Normalize(p.Before.Fields.Get(field.Name)), register.Normalize(p.After.Fields.Get(field.Name))
		if before != "" || after != "" {
			filled++
		}
		if before != after {
			differing++
		}
	}
	return float64(differing) > float64(l.Reused)*float64(filled)
}
