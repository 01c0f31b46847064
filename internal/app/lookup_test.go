package app

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestLikeness(t *testing.T) {
	key := register.NewKey("Site", "Example.COM", "")
	for _, test := range []struct {
		text string
		rank int
		ok   bool
	}{
		{"site · example.com", 0, true},
		{"example.com", 1, true},
		{"ample.c", 2, true},
		{"e · e", 2, true},
		{"example.org", 2, false},
	} {
		rank, ok := likeness(key, test.text)
		if ok != test.ok || ok && rank != test.rank {
			t.Errorf("%q: rank %d, %t; want %d, %t", test.text, rank, ok, test.rank, test.ok)
		}
	}
}

func TestAmbiguousNamesSomeKeysAndCountsTheRest(t *testing.T) {
	var keys []register.Key
	for _, name := range strings.Fields("a b c d e f g h i j") {
		keys = append(keys, register.NewKey(name))
	}
	message := ambiguous("xx-small", "x", keys).Error()
	if !strings.Contains(message, `"x" means 10 entries of xx-small`) || !strings.Contains(message, `'["h"]'`) ||
		strings.Contains(message, `'["i"]'`) || !strings.HasSuffix(message, "and 2 more") {
		t.Error(message)
	}
}
