package scraper

import "unicode/utf8"

// leastMultibyte is how many bytes of UTF-8 beyond the first of a character no
// other encoding gives by chance in a text that is valid UTF-8.
const leastMultibyte = 3

// isMultibyteUTF8 reports whether bytes, perhaps cut inside a character, are
// UTF-8 and not merely ASCII.
func isMultibyteUTF8(head []byte) bool {
	var w utf8Watch
	_, _ = w.Write(head)
	return w.isMultibyte()
}

// utf8Watch looks whether the bytes that pass are UTF-8.
type utf8Watch struct {
	rest   []byte // a character's beginning
	beyond int    // bytes beyond the first of a character
	broken bool   // they are not
}

// Write implements io.Writer; it takes everything.
func (w *utf8Watch) Write(p []byte) (int, error) {
	n := len(p)
	if w.broken {
		return n, nil
	}
	if len(w.rest) > 0 {
		p = append(w.rest, p...)
		w.rest = nil
	}
	for len(p) > 0 {
		if p[0] < utf8.RuneSelf {
			p = p[1:]
			continue
		}
		if !utf8.FullRune(p) {
			w.rest = append([]byte(nil), p...)
			break
		}
		char, size := utf8.DecodeRune(p)
		if char == utf8.RuneError && size == 1 {
			w.broken = true
			break
		}
		w.beyond += size - 1
		p = p[size:]
	}
	return n, nil
}

func (w *utf8Watch) isMultibyte() bool { return !w.broken && w.beyond >= leastMultibyte }
