package differ

import (
	"cmp"
	"slices"

	"github.com/regwatch/regwatch/register"
)

// largestPairing bounds the comparisons among entries that share one key and
// have no equal. Above it they are paired in the order of their contents: a key
// so unspecific says nothing of which row became which.
const largestPairing = 1 << 16

// closest pairs entries that share a key by fewest differing fields, ties by
// content, until one side is used up.
func (f *found) closest(before, after []int) []pairAt {
	if len(before)*len(after) > largestPairing {
		return f.inStep(before, after)
	}
	type candidate struct {
		pairAt
		differing int
	}
	var candidates []candidate
	for _, i := range before {
		for _, j := range after {
			n := len(register.Differences(f.prev[i].Fields, f.next[j].Fields))
			candidates = append(candidates, candidate{pairAt{i, j}, n})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.differing, b.differing),
			compareEntries(f.prev[a.before], f.prev[b.before]), compareEntries(f.next[a.after], f.next[b.after]))
	})
	var pairs []pairAt
	usedBefore, usedAfter := map[int]bool{}, map[int]bool{}
	for _, c := range candidates {
		if !usedBefore[c.before] && !usedAfter[c.after] {
			usedBefore[c.before], usedAfter[c.after] = true, true
			pairs = append(pairs, c.pairAt)
		}
	}
	return pairs
}

func (f *found) inStep(before, after []int) []pairAt {
	pairs := make([]pairAt, min(len(before), len(after)))
	for i := range pairs {
		pairs[i] = pairAt{before[i], after[i]}
	}
	return pairs
}

// unpaired gives the positions that are on that side of no pair.
func unpaired(positions []int, pairs []pairAt, side func(pairAt) int) []int {
	if len(pairs) == 0 {
		return positions
	}
	paired := make(map[int]bool, len(pairs))
	for _, p := range pairs {
		paired[side(p)] = true
	}
	var left []int
	for _, position := range positions {
		if !paired[position] {
			left = append(left, position)
		}
	}
	return left
}
