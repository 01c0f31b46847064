package register

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Normalize gives the form in which published text is compared, the same way
// for ever: Unicode NFC, characters that show nothing dropped, inner white
// space and controls folded to one blank, trimmed. Case is kept.
func Normalize(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	blank := false
	for _, r := range s {
		switch {
		case isInvisible(r):
		case unicode.IsSpace(r) || unicode.IsControl(r):
			blank = b.Len() > 0
		default:
			if blank {
				b.WriteByte(' ')
				blank = false
			}
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String()) // last: what was dropped may have stood between a letter and its accent
}

// isPlain reports whether s is printable ASCII and letters of U+00C0 to U+017F
// and U+0400 to U+047F with single inner blanks, which is its own normal form.
func isPlain(s string) bool {
	previous := byte(' ')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			if c < 0xc3 || c > 0xc5 && c != 0xd0 && c != 0xd1 || i+1 == len(s) || s[i+1]&0xc0 != 0x80 {
				return false
			}
			i++
		case c < ' ' || c == 0x7f || c == ' ' && previous == ' ':
			return false
		}
		previous = c
	}
	return len(s) == 0 || previous != ' '
}

// isInvisible reports whether r shows nothing and separates nothing: format
// characters (zero-width and bidirectional marks, soft hyphen, byte order mark)
// and variation selectors.
func isInvisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || r == '\u034f'
}
