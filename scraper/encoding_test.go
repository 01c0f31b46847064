package scraper

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/regwatch/regwatch/register"
)

func encode1250(t *testing.T, text string) string {
	t.Helper()
	encoded, err := charmap.Windows1250.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestEncoding(t *testing.T) {
	czech := "Název;Důvody zápisu;příliš žluťoučký kůň úpěl\n"
	in1250 := encode1250(t, czech)
	russian, err := charmap.Windows1251.NewEncoder().String(strings.Repeat("Роскомнадзор внёс домен в единый реестр запрещённых сайтов\n", 20))
	if err != nil {
		t.Fatal(err)
	}
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(czech)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, label, contentType, format, body string
		encoding, text                         string
		repaired                               int
	}{
		{"the definition", "windows-1250", "text/csv; charset=utf-8", "csv", in1250, "windows-1250 by fetch.encoding", czech, 0},
		{"a byte order mark", "", "text/csv; charset=windows-1250", "csv", "\ufeff" + czech, "utf-8 by byte order mark", czech, 0},
		{"a byte order mark of UTF-16", "", "", "csv", utf16, "utf-16le by byte order mark", czech, 0},
		{"UTF-16 without a mark", "", "", "csv", utf16[2:], "utf-16le by detection", czech, 0},
		{"the header", "", "text/csv; charset=Windows-1250", "csv", in1250, "windows-1250 by Content-Type", czech, 0},
		{"a header that lies", "", "text/csv; charset=windows-1250", "csv", czech, "utf-8 by its bytes, although Content-Type says windows-1250", czech, 0},
		{"a meta element", "", "text/html", "html", `<html><meta http-equiv="Content-Type" content="text/html; charset=windows-1250">` + in1250, "windows-1250 by <meta>", `<html><meta http-equiv="Content-Type" content="text/html; charset=windows-1250">` + czech, 0},
		{"an XML declaration", "", "", "xml", `<?xml version="1.0" encoding='windows-1250'?>` + in1250, "windows-1250 by XML declaration", `<?xml version="1.0" encoding='windows-1250'?>` + czech, 0},
		{"a declaration of UTF-16 in bytes that are not", "", "", "xml", `<?xml version="1.0" encoding="utf-16"?><a/>`, "utf-8 by XML declaration", `<?xml version="1.0" encoding="utf-16"?><a/>`, 0},
		{"the bytes", "", "", "csv", czech, "utf-8 by detection", czech, 0},
		{"the detector", "", "", "text", russian, "windows-1251 by detection", strings.Repeat("Роскомнадзор внёс домен в единый реестр запрещённых сайтов\n", 20), 0},
		{"U+FFFD as published", "utf-8", "", "csv", "Stra\ufffde\n", "utf-8 by fetch.encoding", "Stra\ufffde\n", 1},
		{"invalid, overlong, NUL, surrogate", "utf-8", "", "csv", "a\xffb\xc0\xafc\x00d\xed\xa0\x80", "utf-8 by fetch.encoding", "a\ufffdb\ufffd\ufffdc\ufffdd\ufffd\ufffd\ufffd", 7},
		{"cut inside a character", "utf-8", "", "csv", "a\xe2\x82", "utf-8 by fetch.encoding", "a\ufffd\ufffd", 2},
		{"line ends of old Macintoshes", "", "", "csv", "id,name\r1,a\r2,b\r", "utf-8 by detection", "id,name\n1,a\n2,b\n", 0},
		{"other line ends as they are", "", "", "csv", "id,name\r\n1,\"a\rb\"\r\n", "utf-8 by detection", "id,name\r\n1,\"a\rb\"\r\n", 0},
		{"nothing", "", "", "csv", "", "utf-8 by detection", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			def := register.Definition{Fetch: register.Fetch{Encoding: c.label}, Parse: register.Parse{Format: c.format}}
			for _, body := range []io.Reader{strings.NewReader(c.body), iotest.OneByteReader(strings.NewReader(c.body))} {
				s, err := openText(body, def, c.contentType, "")
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(s)
				if err != nil {
					t.Fatal(err)
				}
				if s.found.String() != c.encoding || string(text) != c.text {
					t.Errorf("%s: %q; want %s: %q", s.found, text, c.encoding, c.text)
				}
				if s.repair.repaired != c.repaired || s.repair.chars != utf8.RuneCountInString(c.text) {
					t.Errorf("%d of %d characters repaired; want %d of %d", s.repair.repaired, s.repair.chars, c.repaired, utf8.RuneCountInString(c.text))
				}
			}
		})
	}
}

// What was guessed once stays, on the pages that follow and in the next fetch,
// whatever the detector would say of these bytes alone.
func TestGuessedEncodingStays(t *testing.T) {
	def := definition(register.FormatCSV, "name")
	first, second := "name\n\x8akoda\n", "name\n\xd0 caf\xe9 de Paris\n"
	s, _ := readBodies(t, def, register.Health{}, nil, []byte(first), []byte(second))
	alone, _ := readBodies(t, def, register.Health{}, nil, []byte(second))
	if s.Guessed == "" || alone.Guessed == "" || s.Guessed == alone.Guessed {
		t.Fatalf("guessed %q, and %q for the second page alone: this test needs two guesses", s.Guessed, alone.Guessed)
	}
	next, _ := readBodies(t, def, register.Health{Encoding: s.Guessed}, nil, []byte(second))
	if want := s.Entries[1].Key; next.Entries[0].Key != want || next.Guessed != s.Guessed || alone.Entries[0].Key == want {
		t.Errorf("%s by %q, want %s by %q", next.Entries[0].Key, next.Guessed, want, s.Guessed)
	}
	if utf, _ := readBodies(t, def, register.Health{Encoding: s.Guessed}, nil, []byte("name\nŠkoda\n")); utf.Entries[0].Key != `["Škoda"]` || utf.Guessed != "" {
		t.Errorf("UTF-8 is read as %s, guessed %q", utf.Entries[0].Key, utf.Guessed)
	}
}

// A definition's encoding that the bytes deny is found out wherever the first
// letter stands that tells, and a few such letters by chance deny nothing.
func TestMislabeledBytesAreFoundBehindTheHead(t *testing.T) {
	def := definition(register.FormatCSV, "name")
	def.Fetch.Encoding = "windows-1250"
	ascii := "name\n" + strings.Repeat("plain\n", headSize/5)
	for body, want := range map[string]string{
		ascii + "Žižkov šťáva\n":          "failed decodes",
		ascii + encode1250(t, "Žižkov\n"): "complete",
		"name\nŽižkov, \"šťáva\"\n":       "failed decodes",
		ascii + "Žižkov šťáva\n" + encode1250(t, strings.Repeat("žluťoučký kůň\n", 100)): "complete",
	} {
		if _, proof := readBodies(t, def, register.Health{}, nil, []byte(body)); !strings.HasPrefix(verdict(proof), want) {
			t.Errorf("%d bytes: %s, want %s", len(body), verdict(proof), want)
		}
	}
}

func TestTail(t *testing.T) {
	long := strings.Repeat("0123456789", 1000)
	for _, body := range []io.Reader{strings.NewReader(long), iotest.OneByteReader(strings.NewReader(long)), iotest.HalfReader(strings.NewReader(long))} {
		tail := &tailReader{body: body}
		if _, err := io.Copy(io.Discard, tail); err != nil {
			t.Fatal(err)
		}
		if string(tail.tail) != long[len(long)-tailSize:] {
			t.Errorf("tail of %d bytes is not the text's end", len(tail.tail))
		}
	}
}

func FuzzEncoding(f *testing.F) {
	for _, label := range []string{"", "windows-1250", "utf-16le", "gb18030", "iso-2022-jp", "replacement"} {
		f.Add(label, "text/html; charset=koi8-r", "<meta charset=big5>\xff\xfe\x00a")
	}
	f.Fuzz(func(t *testing.T, label, contentType, body string) {
		def := register.Definition{Fetch: register.Fetch{Encoding: label}, Parse: register.Parse{Format: register.FormatHTML}}
		s, err := openText(strings.NewReader(body), def, contentType, "")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(s)
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(text) || strings.ContainsRune(string(text), 0) {
			t.Errorf("%s: %q is not clean text", s.found, text)
		}
		if s.repair.chars != utf8.RuneCount(text) || s.repair.repaired != strings.Count(string(text), "\ufffd") {
			t.Errorf("%s: counted %d of %d in %q", s.found, s.repair.repaired, s.repair.chars, text)
		}
	})
}
