package notifier

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible writes text from outside so that it can be shown on one line: control
// characters, terminal sequences, bidirectional and invisible characters and
// broken UTF-8 become escapes (\n, \x1b, \u202e, \xff). What can be seen stays.
func Visible(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case unicode.IsGraphic(r) && !isBlank(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += size
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// isBlank reports whether r counts as graphic and shows nothing: variation
// selectors, the combining grapheme joiner, Hangul fillers, the Braille blank.
func isBlank(r rune) bool {
	switch r {
	case '\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u2800', '\u3164', '\uffa0':
		return true
	}
	return unicode.Is(unicode.Variation_Selector, r)
}

// Shorten cuts text to at most so many characters, the last of them being an
// ellipsis, and never between a character and its combining marks.
func Shorten(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)[:most]
	end := most - 1
	for end > 0 && unicode.Is(unicode.M, runes[end]) {
		end--
	}
	return string(runes[:end]) + "…"
}
