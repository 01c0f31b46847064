package format

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestText(t *testing.T) {
	pair := register.Parse{Format: "text", Rows: `^(?P<number>\d+)\. (?P<domain>\S+)`}
	for _, c := range []readCase{
		{"a line is a row", define(register.Parse{Format: "text"}, names("line")), "a.com\r\n\n  \nb.com", result{Rows: [][]string{{"a.com"}, {"b.com"}}, Lines: []int{1, 4}}},
		{"comments are skipped", define(register.Parse{Format: "text", Comment: "#"}, names("line")), "# list\na.com\n  # b.com\n", result{Rows: [][]string{{"a.com"}}}},
		{"named groups", define(pair, names("domain")), "1. a.com\n2. b.com\n", result{Rows: [][]string{{"a.com"}, {"b.com"}}, Unread: []string{"number"}}},
		{"a line that does not match is a row without cells", define(pair, names("domain", "number")), "List\n1. a.com\n", result{Rows: [][]string{{"", ""}, {"a.com", "1"}}}},
		{"a line without end", define(register.Parse{Format: "text"}, names("line")), "a\n" + strings.Repeat("x", maxLine+1), result{Rows: [][]string{{"a"}}, Err: "line 2: a line is longer"}},
	} {
		c.run(t)
	}
}

func FuzzText(f *testing.F) {
	fuzz(f, []register.Definition{
		define(register.Parse{Format: "text", Comment: "#"}, names("line")),
		define(register.Parse{Format: "text", Rows: `(?P<a>\w+)(,(?P<b>\w+))?`}, names("a", "b")),
	}, "a\nb\n", "a,b\r\n#c\n\n", "\x00")
}
