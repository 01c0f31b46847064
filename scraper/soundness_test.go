package scraper

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"github.com/regwatch/regwatch/register"
)

// TestValidUTF8 compares the fast check with the library's, on texts of all
// lengths at all offsets: whole, cut in a character, and with a broken byte
// anywhere.
func TestValidUTF8(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	runes := []rune("aZ;\"\n äéßшЖ\u07ff\u0800\ud7ff\ue000€中\ufffd\uffff\U00010000😀\U0010ffff")
	compare := func(b []byte) {
		t.Helper()
		if got, want := validUTF8(b), utf8.Valid(b); got != want {
			t.Fatalf("%q: %v, want %v", b, got, want)
		}
	}
	for range 20_000 {
		var b bytes.Buffer
		few := runes[:1+random.IntN(len(runes))]
		for range random.IntN(90) {
			b.WriteRune(few[random.IntN(len(few))])
		}
		text := b.Bytes()[min(random.IntN(8), b.Len()):]
		compare(text)
		compare(text[:random.IntN(len(text)+1)])
		if len(text) > 0 {
			text[random.IntN(len(text))] = byte(random.IntN(256))
			compare(text)
		}
	}
}

// FuzzValidUTF8 has a fast check that says what the library's says.
func FuzzValidUTF8(f *testing.F) {
	for _, seed := range []string{"", "plain", "Осада", "\xff", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "a\xe2\x82"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := validUTF8(b), utf8.Valid(b); got != want {
			t.Errorf("%q: %v, want %v", b, got, want)
		}
	})
}

// TestWhatIsNoTextIsReadWhole: bytes that are no text may be too many for a page
// to be believed, also when they stand only in rows that both pages have, which
// the comparison by rows does not read.
func TestWhatIsNoTextIsReadWhole(t *testing.T) {
	for name, test := range map[string]struct {
		encoding, value string
		fast            bool
	}{
		"text":                  {"utf-8", "Осада", true},
		"a broken character":    {"utf-8", "Оса\xd0", false},
		"a stray byte":          {"utf-8", "a\xffb", false},
		"replacement character": {"utf-8", "a\ufffdb", false},
		"a byte without a sign": {"windows-1252", "a\x81b", false},
		"one-byte text":         {"windows-1252", "a\xe4b", true},
		"zero":                  {"windows-1252", "a\x00b", false},
	} {
		def := register.Definition{ID: "x", Parse: register.Parse{Format: register.FormatCSV, Delimiter: ";"}, Key: []string{"number"}}
		def.Fetch.Encoding = test.encoding
		for _, name := range []string{"number", "name"} {
			def.Fields = append(def.Fields, register.Field{Name: name, From: []register.Source{{Name: name}}})
		}
		reader, errs := NewReader(def)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		reader.large = 0
		page := func(last string) []byte {
			b := []byte("number;name\n")
			for n := range 1000 { // behind what an encoding is guessed by
				b = fmt.Appendf(b, "%d;%0100d\n", n, n)
			}
			return fmt.Appendf(b, "1000;%s\n%s", test.value, last)
		}
		_, _, fast, err := reader.Differing(t.Context(), savedOf(page("1001;old\n")), savedOf(page("1001;new\n")))
		if err != nil || fast != test.fast {
			t.Errorf("%s: by rows %v, %v; want %v", name, fast, err, test.fast)
		}
	}
}

// BenchmarkValidUTF8 checks a megabyte of Cyrillic text in both ways.
func BenchmarkValidUTF8(b *testing.B) {
	text := bytes.Repeat([]byte("1000001;Осада, ООО;https://example.ru/\n"), 20_000)
	for name, valid := range map[string]func([]byte) bool{"ours": validUTF8, "library": utf8.Valid} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if !valid(text) {
					b.Fatal("it is valid")
				}
			}
		})
	}
}
