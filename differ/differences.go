package differ

import (
	"cmp"
	"slices"

	"github.com/regwatch/regwatch/register"
)

// Differences are the candidates for changes: what leads from one snapshot's
// entries to another's. Additions and changes stand in the order of the newer
// page, removals in the order of the older one.
type Differences struct {
	Same    int // entries equal in key and content
	Added   []register.Entry
	Removed []Removal
	Changed []Pair
	Rekeyed []Pair // filled by [Relate] only
	Reused  []Pair // of Changed; filled by [Relate] only
}

// Removal is an entry that the newer snapshot does not list. Statement is the
// row that says it was taken off the register; nil means it is merely absent.
type Removal struct {
	Entry     register.Entry
	Statement *register.Entry
}

// Pair is one entry before and after.
type Pair struct{ Before, After register.Entry }

// Empty reports whether nothing differs.
func (d Differences) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed)+len(d.Rekeyed)+len(d.Reused) == 0
}

// Apply gives prev's entries with the differences carried out, sorted by key
// and content: the entries of the snapshot that they were found against.
func Apply(prev []register.Entry, d Differences) []register.Entry {
	gone := map[identity]bool{}
	next := slices.Clone(d.Added)
	for _, r := range d.Removed {
		gone[identityOf(r.Entry)] = true
	}
	for _, p := range slices.Concat(d.Changed, d.Rekeyed, d.Reused) {
		gone[identityOf(p.Before)] = true
		next = append(next, p.After)
	}
	for _, e := range prev {
		if !gone[identityOf(e)] {
			next = append(next, e)
		}
	}
	slices.SortFunc(next, compareEntries)
	return next
}

// identity is what no two entries of one snapshot share.
type identity struct {
	key     register.Key
	content register.Hash
}

func identityOf(e register.Entry) identity { return identity{e.Key, e.Content} }

func compareEntries(a, b register.Entry) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), slices.Compare(a.Content[:], b.Content[:]))
}
