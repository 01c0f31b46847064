package scraper

import (
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
)

// From when on a key is believed to name nothing: so many entries that were read, with
// a thousandth as many keys between them.
const (
	fewestNamed  = 10_000
	rowsOfOneKey = 1000
	mostKeys     = 100_000 // that are told apart: enough for 100 million rows
)

// naming counts the entries that were read, and the keys by which they are told apart.
type naming struct {
	entries int
	keys    map[uint64]struct{} // hashes; not more than mostKeys
}

func (n *naming) add(key register.Key) {
	n.entries++
	if n.keys == nil {
		n.keys = map[uint64]struct{}{}
	}
	if len(n.keys) < mostKeys {
		n.keys[xxh3.HashString(string(key))] = struct{}{}
	}
}

// fails reports whether the keys tell nothing apart.
func (n *naming) fails() bool {
	return n.entries >= fewestNamed && len(n.keys)*rowsOfOneKey <= n.entries
}

// namesNothing reports whether so many rows share so few keys that these are no keys:
// the column holds something else now, or the definition names the wrong one. Where
// most of a page is known by its rows, and was not read, its keys are good: the others
// may share one.
func (e evidence) namesNothing() bool {
	return e.naming.fails() && e.naming.entries >= e.snapshot.Again.Entries
}

func (e evidence) namingWords() string {
	keys := "keys"
	if len(e.naming.keys) == 1 {
		keys = "key"
	}
	return fmt.Sprintf("%d different rows have %d %s between them (%s): the key tells no entries apart",
		e.naming.entries, len(e.naming.keys), keys, strings.Join(e.def.Key, ", "))
}
