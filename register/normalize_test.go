package register_test

import (
	"testing"
	"unicode"

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

// TestLettersOfOneByteMoreAreTheirOwnNormalForm holds the letters that Normalize
// passes over, alone and side by side, against what makes a normal form.
func TestLettersOfOneByteMoreAreTheirOwnNormalForm(t *testing.T) {
	var letters []rune
	for _, span := range [][2]rune{{0xc0, 0x17f}, {0x400, 0x47f}} {
		for r := span[0]; r <= span[1]; r++ {
			letters = append(letters, r)
		}
	}
	for i, r := range letters {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) {
			t.Errorf("%U shows nothing", r)
		}
		for _, text := range []string{string(r), "e" + string(r), string(r) + string(letters[(i+1)%len(letters)])} {
			if normal := norm.NFC.String(text); register.Normalize(text) != normal || normal != text {
				t.Errorf("%q has the normal form %q, and Normalize gives %q", text, normal, register.Normalize(text))
			}
		}
	}
}
