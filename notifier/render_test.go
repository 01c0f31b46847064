package notifier_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"Wishwin Casino":           "Wishwin Casino",
		"Žluťoučký 赌场 ﷺ 🎰":         "Žluťoučký 赌场 ﷺ 🎰",
		"a\r\nb\tc":                `a\r\nb\tc`,
		"\x1b[2J\a\x7f":            `\x1b[2J\x07\x7f`,
		"\u009b31m\u2028":          `\u009b31m\u2028`,
		"moc.\u202elive\u2066":     `moc.\u202elive\u2066`,
		"a\u200bb\u00adc\ufeff":    `a\u200bb\u00adc\ufeff`,
		"\U000e0041\ufe0f\u3164":   `\U000e0041\ufe0f\u3164`,
		"bad\xff\xc0\x80 \ufffd":   `bad\xff\xc0\x80 ` + "\ufffd",
		"non\u00a0breaking\u3000s": "non\u00a0breaking\u3000s",
	} {
		if got := notifier.Visible(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDefang(t *testing.T) {
	for in, want := range map[string]string{
		"example.com":               "example[.]com",
		"see www.a-b.example.cz/x.": "see www[.]a-b[.]example[.]cz/x.",
		"https://1xbet.com/a?b=c":   "https[:]//1xbet[.]com/a?b=c",
		"http://127.0.0.1/":         "http[:]//127.0.0.1/",
		"someone@example.org":       "someone[@]example[.]org",
		"казино.рф":                 "казино[.]рф",
		"xn--e1afmkfd.xn--p1ai":     "xn--e1afmkfd[.]xn--p1ai",
		"22.12.2025, § 82 a.s.":     "22.12.2025, § 82 a[.]s.",
		"Wishwin Casino":            "Wishwin Casino",
	} {
		if got := notifier.Defang(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "abcd": "abcd", "abcde": "abc…", "abe\u0301e": "ab…", "žžžžžž": "žžž…"} {
		if got := notifier.Shorten(in, 4); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestRenderSaysOnlyWhatIsThere(t *testing.T) {
	for _, e := range []register.Event{{Type: "regwatch.unknown\x1b"}, register.NewChangeEvent("", register.Change{}), register.NewSignalEvent("", register.Signal{})} {
		if text := notifier.Render(e, nil); text.Title == "" || strings.Contains(text.Title, "\x1b") || text.Source != "" {
			t.Errorf("%+v", text)
		}
	}
	c := *change("a").Change
	c.Evidence.URL = "javascript:alert(1)"
	c.Partial = true
	text := notifier.Render(register.NewChangeEvent("", c), nil)
	if text.Source != "" || !strings.Contains(strings.Join(text.Evidence, "\n"), "may not have been whole") {
		t.Errorf("%+v", text)
	}
}

var linked = regexp.MustCompile(`://|[\p{L}\p{N}]\.\p{L}`)

// FuzzRender: whatever a register publishes, what people see is visible, short
// and no link.
func FuzzRender(f *testing.F) {
	for _, s := range []string{"Wishwin Casino", "http://evil.example.com", "\x1b]8;;x\a", "a\u202e.com", "\xff.com", "a..b.c", "é.é", "x@y.z://"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		c := *change("a").Change
		c.Kind, c.After = register.Changed, register.Values{{Name: "name", Text: name}, {Name: "reason", Text: value}}
		c.Differences = map[string]register.Difference{"reason": {name, value}}
		c.ListedOn = register.Date(value)
		text := notifier.Render(register.NewChangeEvent("", c), notifier.Defang)
		all := append([]string{text.Title}, text.Evidence...)
		for _, line := range text.Fields {
			all = append(all, line.Before, line.Value)
			if linked.MatchString(line.Before + "\n" + line.Value) {
				t.Errorf("a link in %+q", []string{line.Before, line.Value})
			}
		}
		if utf8.RuneCountInString(text.Title) > 200 {
			t.Errorf("a title of %d characters", utf8.RuneCountInString(text.Title))
		}
		for _, s := range all {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%q can not be shown", s)
			}
		}
	})
}
