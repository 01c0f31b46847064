package register_test

import (
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

// A normal form is its own normal form, and that of every spelling of the same
// characters.
func TestNormalizeIsStable(t *testing.T) {
	piece := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"e", "\u0301", "\u200b", "\u00ad", "\ufeff", "\ufe0f", " ", "\u00a0", "\r\n", "\x00", "é", "ﬁ", "\u1100", "\u1161",
	}))
	rapid.Check(t, func(t *rapid.T) {
		var text string
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			text += piece.Draw(t, "piece")
		}
		once := register.Normalize(text)
		if twice := register.Normalize(once); twice != once {
			t.Fatalf("%+q is %+q, and that is %+q", text, once, twice)
		}
		if other := register.Normalize(norm.NFD.String(text)); other != once {
			t.Fatalf("%+q is %+q, decomposed %+q", text, once, other)
		}
	})
}
