package scraper

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/saintfish/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"github.com/regwatch/regwatch/register"
)

// headSize is how much of a body is looked at before it is read: to find its
// encoding, and to see what thing it is.
const headSize = 64 << 10

// encodingFound is the encoding of a page, and what says so.
type encodingFound struct {
	encoding encoding.Encoding
	name     string // WHATWG name, "utf-8"
	source   string // "fetch.encoding", "byte order mark" …
	guessed  bool   // by the detector, and no UTF
	note     string // what else there is to say; may be empty
}

func (e encodingFound) String() string {
	text := e.name + " by " + e.source
	if e.note != "" {
		text += ", " + e.note
	}
	return text
}

// findEncoding looks for a page's encoding in the order of trust: what the
// definition says, a byte order mark, the Content-Type header, what the document
// declares, and last a detector. A header or a declaration that contradicts bytes
// which are plainly UTF-8 is not believed; a definition always is. Guessed is
// what the detector found in the pages before, and stays: a guess that turned
// with each new row would change every word that is not ASCII.
func findEncoding(label, contentType, format string, head []byte, guessed string) encodingFound {
	if found, ok := lookupEncoding(label, "fetch.encoding"); ok {
		return found
	}
	for _, mark := range []struct{ bytes, name string }{{"\xef\xbb\xbf", "utf-8"}, {"\xff\xfe", "utf-16le"}, {"\xfe\xff", "utf-16be"}} {
		if bytes.HasPrefix(head, []byte(mark.bytes)) {
			found, _ := lookupEncoding(mark.name, "byte order mark")
			return found
		}
	}
	_, parameters, _ := mime.ParseMediaType(contentType)
	found, ok := lookupEncoding(parameters["charset"], "Content-Type")
	if !ok {
		found, ok = declaredEncoding(format, head)
	}
	if !ok {
		return detectEncoding(head, guessed)
	}
	if found.name != "utf-8" && isMultibyteUTF8(head) {
		lied := found
		found, _ = lookupEncoding("utf-8", "its bytes")
		found.note = fmt.Sprintf("although %s says %s", lied.source, lied.name)
	}
	return found
}

func lookupEncoding(label, source string) (encodingFound, bool) {
	if label == "" {
		return encodingFound{}, false
	}
	e, name := charset.Lookup(label)
	return encodingFound{encoding: e, name: name, source: source}, e != nil
}

var (
	xmlDeclaration  = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)
	metaDeclaration = regexp.MustCompile(`(?i)<meta\s[^>]*charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)`)
)

// declaredEncoding reads what an XML or HTML document says of itself. One that
// could be read up to there is not UTF-16, whatever it says.
func declaredEncoding(format string, head []byte) (encodingFound, bool) {
	declaration, source := metaDeclaration, "<meta>"
	switch format {
	case register.FormatXML:
		declaration, source = xmlDeclaration, "XML declaration"
	case register.FormatHTML:
	default:
		return encodingFound{}, false
	}
	match := declaration.FindSubmatch(head[:min(len(head), 4096)])
	if match == nil {
		return encodingFound{}, false
	}
	found, ok := lookupEncoding(string(match[1]), source)
	if ok && (found.name == "utf-16le" || found.name == "utf-16be") {
		return lookupEncoding("utf-8", source)
	}
	return found, ok
}

// detectEncoding guesses from the bytes: UTF-8 where they are, UTF-16 where
// every other byte is zero, else what was guessed before or what the detector
// finds likeliest.
func detectEncoding(head []byte, before string) encodingFound {
	name := "utf-8"
	if !utf8.Valid(wholeRunes(head)) || bytes.IndexByte(head, 0) >= 0 {
		name = utf16Name(head)
	}
	single := name == ""
	if single {
		name = before
	}
	if name == "" {
		name = "windows-1252"
		if best, err := chardet.NewTextDetector().DetectBest(head); err == nil {
			name = best.Charset
		}
	}
	switch name {
	case "GB-18030":
		name = "gb18030"
	case "ISO-8859-8-I":
		name = "iso-8859-8-i"
	}
	found, ok := lookupEncoding(name, "detection")
	if !ok {
		found, _ = lookupEncoding("windows-1252", "detection")
	}
	found.guessed = single
	return found
}

// utf16Name gives the UTF-16 that bytes without a mark are in, or "".
func utf16Name(head []byte) string {
	zeros := [2]int{}
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	many := len(head) / 5
	switch {
	case zeros[1] > many && zeros[0] < many/4:
		return "utf-16le"
	case zeros[0] > many && zeros[1] < many/4:
		return "utf-16be"
	}
	return ""
}

// wholeRunes drops the part of a character that the end of a buffer cut off.
func wholeRunes(head []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(head); i++ {
		if utf8.RuneStart(head[len(head)-i]) {
			if !utf8.FullRune(head[len(head)-i:]) {
				return head[:len(head)-i]
			}
			break
		}
	}
	return head
}

// textStream is a body as UTF-8 text: a byte order mark dropped, what does not
// decode replaced by U+FFFD, and NUL too.
type textStream struct {
	io.Reader
	found  encodingFound
	head   []byte // raw, up to headSize
	repair *repairer
	tail   *tailReader
	raw    *utf8Watch // of the bytes read; nil where they are decoded as UTF-8
}

// isUTF8 reports whether bytes that are decoded otherwise are plainly UTF-8: in
// their head, or as far as they were read.
func (s *textStream) isUTF8() bool {
	return s.raw != nil && (isMultibyteUTF8(s.head) || s.raw.isMultibyte())
}

// openText prepares a body to be read as text. It reads its head only. Guessed is
// as for [findEncoding].
func openText(body io.Reader, def register.Definition, contentType, guessed string) (*textStream, error) {
	buffered := bufio.NewReaderSize(body, headSize)
	head, err := buffered.Peek(headSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	found := findEncoding(def.Fetch.Encoding, contentType, def.Parse.Format, head, guessed)
	return newTextStream(buffered, bytes.Clone(head), found), nil
}

// newTextStream reads a body as text in an encoding. Head is how the page that
// it is of begins.
func newTextStream(body io.Reader, head []byte, found encodingFound) *textStream {
	s := &textStream{head: head, repair: &repairer{}, found: found}
	decoder := transform.Transformer(s.repair)
	if found.name != "utf-8" {
		s.raw = &utf8Watch{}
		decoder, body = transform.Chain(found.encoding.NewDecoder(), s.repair), io.TeeReader(body, s.raw)
	}
	text := io.Reader(transform.NewReader(body, decoder))
	if endsLinesByCR(decodeHead(s)) {
		text = &lineEnds{text}
	}
	s.tail = &tailReader{body: text}
	s.Reader = s.tail
	return s
}

// endsLinesByCR reports whether a text has the line ends of old Macintoshes,
// which nothing that reads lines knows.
func endsLinesByCR(head string) bool {
	return strings.Contains(head, "\r") && !strings.Contains(head, "\n")
}

// lineEnds gives a text with a line feed for each carriage return.
type lineEnds struct{ body io.Reader }

// Read implements io.Reader.
func (l *lineEnds) Read(p []byte) (int, error) {
	n, err := l.body.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// repairer makes valid UTF-8 of what should be, and counts.
type repairer struct {
	chars    int
	repaired int // of them U+FFFD, ours or as published
	begun    bool
}

// Reset implements transform.Transformer; the counts stay.
func (r *repairer) Reset() {}

// Transform implements transform.Transformer.
func (r *repairer) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		c := src[nSrc]
		if c < utf8.RuneSelf && c != 0 {
			if nDst == len(dst) {
				return nDst, nSrc, transform.ErrShortDst
			}
			dst[nDst] = c
			nDst, nSrc, r.chars, r.begun = nDst+1, nSrc+1, r.chars+1, true
			continue
		}
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		if nDst+utf8.UTFMax > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		char, size := utf8.DecodeRune(src[nSrc:])
		nSrc += size
		if char == '\uFEFF' && !r.begun {
			r.begun = true
			continue
		}
		if char == utf8.RuneError || char == 0 {
			char = utf8.RuneError
			r.repaired++
		}
		nDst += utf8.EncodeRune(dst[nDst:], char)
		r.chars++
		r.begun = true
	}
	return nDst, nSrc, nil
}

// tailSize is how much of a text's end is kept to look for its end sentinel.
const tailSize = 4 << 10

// tailReader remembers the end of what was read.
type tailReader struct {
	body io.Reader
	tail []byte
}

// Read implements io.Reader.
func (t *tailReader) Read(p []byte) (int, error) {
	n, err := t.body.Read(p)
	read := p[max(0, n-tailSize):n]
	if keep := tailSize - len(read); len(t.tail) > keep {
		t.tail = append(t.tail[:0], t.tail[len(t.tail)-keep:]...)
	}
	t.tail = append(t.tail, read...)
	return n, err
}

func (t *tailReader) endsWithNewline() bool { return bytes.HasSuffix(t.tail, []byte("\n")) }
