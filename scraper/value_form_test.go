package scraper

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// Characters that nobody sees, and other spellings of the same characters, make
// no other value of any type.
func TestValueIsTheSameHoweverItIsSpelt(t *testing.T) {
	for _, c := range []struct {
		field register.Field
		text  string
	}{
		{register.Field{Type: "date", Layout: "02.01.2006"}, "22.12.2025"},
		{register.Field{Type: "date", Layout: "2 January 2006"}, "22 December 2025"},
		{register.Field{Type: "datetime", Layout: "2006-01-02 15:04"}, "2025-12-22 10:00"},
		{register.Field{Type: "domain"}, "Münç.example.com."},
		{register.Field{Type: "domain"}, "http://example.com/"},
		{register.Field{Type: "url"}, "http://Example.com/ä"},
		{register.Field{Type: "number"}, "1 234,5"},
		{register.Field{Type: "list", Sep: ";"}, "b;a; ç"},
		{register.Field{Map: map[string]string{"Über": "x"}}, "Über"},
		{register.Field{Strip: `\s*\(new\)$`}, "Foo é (new)"},
		{register.Field{}, "Café  au lait"},
	} {
		v, errs := newFieldValue(c.field, time.UTC)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		typed, shown, _ := v.value(format.Cell{Text: c.text})
		for name, spelling := range map[string]string{
			"zero-width space first":      "\u200b" + c.text,
			"zero-width space last":       c.text + "\u200b",
			"zero-width space behind one": c.text + " \u200b",
			"zero-width space within":     c.text[:3] + "\u200b" + c.text[3:],
			"byte order mark":             "\ufeff" + c.text,
			"soft hyphen":                 c.text + "\u00ad",
			"no-break spaces":             strings.ReplaceAll(c.text, " ", "\u00a0"),
			"tabs":                        strings.ReplaceAll(c.text, " ", "\t"),
			"decomposed":                  norm.NFD.String(c.text),
			"accents apart":               strings.ReplaceAll(norm.NFD.String(c.text), "\u0301", "\u200b\u0301"),
		} {
			gotTyped, gotShown, _ := v.value(format.Cell{Text: spelling})
			if register.NewKey(gotTyped) != register.NewKey(typed) || register.Normalize(gotShown) != register.Normalize(shown) {
				t.Errorf("%s, %s: %+q is %+q, shown %+q; want %+q, %+q", typeName(c.field), name, spelling, gotTyped, gotShown, typed, shown)
			}
		}
	}
}
