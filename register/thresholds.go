package register

import (
	"cmp"
	"math"
)

// Thresholds are the numbers of gate 2. Zero in a definition means the built-in
// one, which [Thresholds.InForce] gives. Shares of removals and changes are of
// the head's entries.
type Thresholds struct {
	Removed      Share // more that vanish at once are a flood
	FewRemoved   int   // but so many may vanish from any register
	ManyRemoved  int   // and more than so many are a flood in any case
	SmallRemoved Share // from LeastRemoved on, more than this share are one in a small register too
	LeastRemoved int
	Changed      Share // more that change at once are a flood
	FewChanged   int   // but so many may change in any register
	SmallChanged Share // from LeastChanged on, more than this share are one in a small register too
	LeastChanged int
	Swap         Share // additions per vanished entry that make a flood of removals a swap
	Known        Share // of a page's entries, where it is partial or lacks a flood of them; of the head's, where a swap goes on living
	Emptied      Share // of the entries with a field, which lose it at once
	Mistyped     Share // of a field's values, which are not of its type
	Filled       int   // entries with a field, for it to be emptied or mistyped
	RekeyPairs   int   // of a vanished and a new entry that are equal outside the key
	RekeyFields  int   // in which they are equal
	Reused       Share // of the other filled fields, which differ beside the name where a key was given to another entry
}

// InForce gives the thresholds with the built-in ones where none is set. They
// were tried on fifteen real series.
//
// Whoever sets a share himself knows that so many may differ: the share for
// small registers is then no less, and only a bound that he set too is one.
func (t Thresholds) InForce() Thresholds {
	many := 1000
	if t.Removed > 0 {
		many = math.MaxInt
	}
	return Thresholds{
		Removed:      cmp.Or(t.Removed, 0.02),
		FewRemoved:   cmp.Or(t.FewRemoved, 5),
		ManyRemoved:  cmp.Or(t.ManyRemoved, many),
		SmallRemoved: cmp.Or(t.SmallRemoved, max(0.25, t.Removed)),
		LeastRemoved: cmp.Or(t.LeastRemoved, 2),
		Changed:      cmp.Or(t.Changed, 0.20),
		FewChanged:   cmp.Or(t.FewChanged, 25),
		SmallChanged: cmp.Or(t.SmallChanged, max(0.5, t.Changed)),
		LeastChanged: cmp.Or(t.LeastChanged, 5),
		Swap:         cmp.Or(t.Swap, 0.5),
		Known:        cmp.Or(t.Known, 0.5),
		Emptied:      cmp.Or(t.Emptied, 0.5),
		Mistyped:     cmp.Or(t.Mistyped, 0.5),
		Filled:       cmp.Or(t.Filled, 5),
		RekeyPairs:   cmp.Or(t.RekeyPairs, 2),
		RekeyFields:  cmp.Or(t.RekeyFields, 2),
		Reused:       cmp.Or(t.Reused, 0.5),
	}
}
