package scraper

import (
	"fmt"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
)

// From when on a key is believed to name nothing: so many entries, with a thousandth as
// many keys between them.
const (
	fewestNamed  = 10_000
	rowsOfOneKey = 1000
	mostKeys     = 100_000 // that are told apart: enough for 100 million entries
)

// naming counts the entries of a page that were not known before, and the keys by which
// they are told apart.
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
	return n.entries >= fewestNamed && len(n.keys) < mostKeys && len(n.keys)*rowsOfOneKey <= n.entries
}

// nothing reports whether so many entries share so few keys that these are no keys: the
// column holds something else now, or the definition names the wrong one. Where as many
// entries of a page were known before its keys are good, and the others may share one.
func (n *naming) nothing(known int) bool { return n.fails() && n.entries >= known }

func (e evidence) namingWords() string {
	keys := "keys"
	if len(e.naming.keys) == 1 {
		keys = "key"
	}
	return fmt.Sprintf("%d entries have %d %s between them (%s): the key tells none apart",
		e.naming.entries, len(e.naming.keys), keys, strings.Join(e.def.Key, ", "))
}
