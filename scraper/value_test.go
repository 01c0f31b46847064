package scraper

import (
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

func TestValue(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{"Aplikace": "app", "Internetová stránka": "site"}
	for _, c := range []struct {
		name  string
		field register.Field
		cell  format.Cell
		typed string
		shown string
		odd   bool
	}{
		{"text is trimmed, controls are blanks", register.Field{}, format.Cell{Text: " a  b\r\nc\x00d\t"}, "a  b c d", "a  b c d", false},
		{"repeats of text", register.Field{}, format.Cell{Text: "a", More: []string{" ", "b"}}, "a b", "a b", false},
		{"nothing", register.Field{Type: "date"}, format.Cell{Text: " \u00a0\n"}, "", "", false},
		{"a value of the map", register.Field{Map: kinds}, format.Cell{Text: "Internetová\u00a0 stránka"}, "Internetová\u00a0 stránka", "site", false},
		{"a value that is not in the map", register.Field{Map: kinds}, format.Cell{Text: "Kanál"}, "Kanál", "Kanál", true},
		{"decorations come off", register.Field{Strip: `\s*\((new|updated)\)$`}, format.Cell{Text: "Firm (new)"}, "Firm", "Firm", false},
		{"only decorations", register.Field{Strip: `\((new|updated)\)`}, format.Cell{Text: "(new)"}, "", "", false},

		{"a date", register.Field{Type: "date", Layout: "02.01.2006"}, format.Cell{Text: "22.12.2025"}, "2025-12-22", "2025-12-22", false},
		{"a date in ISO", register.Field{Type: "date"}, format.Cell{Text: "2025-12-22"}, "2025-12-22", "2025-12-22", false},
		{"a month", register.Field{Type: "date", Layout: "02.01.2006"}, format.Cell{Text: "2017-05"}, "2017-05", "2017-05", false},
		{"a year", register.Field{Type: "date"}, format.Cell{Text: "2017"}, "2017", "2017", false},
		{"a serial number is no date", register.Field{Type: "date"}, format.Cell{Text: "45283"}, "45283", "45283", true},
		{"no such day", register.Field{Type: "date", Layout: "02.01.2006"}, format.Cell{Text: "31.02.2025"}, "31.02.2025", "31.02.2025", true},
		{"an instant in the register's zone", register.Field{Type: "datetime", Layout: "02.01.2006 15:04"}, format.Cell{Text: "22.07.2025 10:00"}, "2025-07-22T10:00:00+02:00", "2025-07-22T10:00:00+02:00", false},
		{"an instant elsewhere", register.Field{Type: "datetime"}, format.Cell{Text: "2025-01-22T10:00:00Z"}, "2025-01-22T11:00:00+01:00", "2025-01-22T11:00:00+01:00", false},

		{"a domain", register.Field{Type: "domain"}, format.Cell{Text: "HTTPS://WWW.Example.COM./"}, "www.example.com", "www.example.com", false},
		{"punycode and Unicode are one", register.Field{Type: "domain"}, format.Cell{Text: "xn--mnchen-3ya.de"}, "münchen.de", "münchen.de", false},
		{"capitals in Unicode", register.Field{Type: "domain"}, format.Cell{Text: "MÜNCHEN.de"}, "münchen.de", "münchen.de", false},
		{"broken punycode", register.Field{Type: "domain"}, format.Cell{Text: "XN--0.de"}, "xn--0.de", "xn--0.de", false},
		{"an underscore", register.Field{Type: "domain"}, format.Cell{Text: "A_b.example.com"}, "a_b.example.com", "a_b.example.com", false},
		{"a path stays, and is odd", register.Field{Type: "domain"}, format.Cell{Text: "Lobby.example.eu/Lobby"}, "lobby.example.eu/Lobby", "lobby.example.eu/Lobby", true},
		{"a list number before it", register.Field{Type: "domain"}, format.Cell{Text: "12. example.eu"}, "12. example.eu", "12. example.eu", true},
		{"no domain", register.Field{Type: "domain"}, format.Cell{Text: "Example"}, "Example", "Example", true},

		{"a URL", register.Field{Type: "url"}, format.Cell{Text: "HTTP://Example.COM/A?b=C"}, "http://example.com/A?b=C", "http://example.com/A?b=C", false},
		{"a URL without path", register.Field{Type: "url"}, format.Cell{Text: "Http://Example.COM"}, "http://example.com", "http://example.com", false},
		{"no URL", register.Field{Type: "url"}, format.Cell{Text: "Example.COM/A"}, "Example.COM/A", "Example.COM/A", true},

		{"a number", register.Field{Type: "number"}, format.Cell{Text: "1\u00a0234,50"}, "1234.50", "1234.50", false},
		{"a huge number", register.Field{Type: "number"}, format.Cell{Text: "12345678901234567890123"}, "12345678901234567890123", "12345678901234567890123", false},
		{"no number", register.Field{Type: "number"}, format.Cell{Text: "1.234,5"}, "1.234,5", "1.234,5", true},

		{"a list is a set", register.Field{Type: "list", Sep: "|"}, format.Cell{Text: "b | a|b||"}, "a|b", "a|b", false},
		{"repeats are a list", register.Field{Type: "list"}, format.Cell{Text: "b", More: []string{"a", "b"}}, "a; b", "a; b", false},
		{"so are lines", register.Field{Type: "list"}, format.Cell{Text: "b\r\na"}, "a; b", "a; b", false},
		{"a list is mapped item by item", register.Field{Type: "list", Sep: ",", Map: kinds}, format.Cell{Text: "Aplikace,x"}, "Aplikace,x", "app,x", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, errs := newFieldValue(c.field, prague)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			typed, shown, odd := v.value(c.cell)
			if typed != c.typed || shown != c.shown || odd != c.odd {
				t.Errorf("%q, shown %q, odd %v; want %q, %q, %v", typed, shown, odd, c.typed, c.shown, c.odd)
			}
		})
	}
}

// A typed value, read again, is itself: otherwise a key would not be stable.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{"xn--a.com", "HTTP://Ünï.example./", "1 234,5", "a|b", "\x00", "ß.de", "İ.com", "1.1.1.1:80/x"} {
		f.Add(seed)
	}
	var fields []*fieldValue
	for _, kind := range []string{register.TypeText, register.TypeDomain, register.TypeURL, register.TypeNumber} {
		v, _ := newFieldValue(register.Field{Type: kind}, time.UTC)
		fields = append(fields, v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range fields {
			once, _, _ := v.value(format.Cell{Text: text})
			twice, _, _ := v.value(format.Cell{Text: once})
			if register.Normalize(once) != register.Normalize(twice) {
				t.Errorf("%s %q is %q, and that is %q", v.field.Type, text, once, twice)
			}
		}
	})
}
