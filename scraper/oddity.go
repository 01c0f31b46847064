package scraper

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// oddities is what a reader must know of published text before he trusts it.
type oddities struct {
	repaired bool // a character did not decode, or is NUL
	mixed    bool // a word mixes scripts whose letters look alike
}

// look adds what is odd about a text.
func (o *oddities) look(text string) {
	if isPlainASCII(text) {
		return
	}
	o.repaired = o.repaired || strings.Contains(text, "\uFFFD") || strings.IndexByte(text, 0) >= 0
	o.mixed = o.mixed || mixesScripts(text)
}

func isPlainASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c == 0 {
			return false
		}
	}
	return true
}

// lookAlikes are the scripts of which a letter may pass for another's.
var lookAlikes = []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek}

// mayMix reports whether a text has letters of ASCII and something else, or other
// than Cyrillic letters beyond ASCII.
func mayMix(text string) bool {
	ascii, beyond := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == 0xd0 || c == 0xd1: // U+0400 to U+047F
			beyond = true
			i++
		case c >= utf8.RuneSelf:
			return true
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			ascii = true
		}
	}
	return ascii && beyond
}

// mixesScripts reports whether a word holds letters of two scripts that look
// alike, as in a name that is to be taken for another (Unicode TR 39, 5.1).
func mixesScripts(text string) bool {
	if !mayMix(text) {
		return false
	}
	var word *unicode.RangeTable
	for _, char := range text {
		if !unicode.IsLetter(char) {
			word = nil
			continue
		}
		for _, script := range lookAlikes {
			if !unicode.Is(script, char) {
				continue
			}
			if word != nil && word != script {
				return true
			}
			word = script
		}
	}
	return false
}
