package format

import (
	"slices"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestCSV(t *testing.T) {
	semicolon := register.Parse{Format: "csv", Delimiter: ";"}
	either := []register.Field{{Name: "id", From: []register.Source{{Name: "Old name"}, {Name: "New name"}}}}
	optional := []register.Field{{Name: "a", From: []register.Source{{Name: "a"}}}, {Name: "x", From: []register.Source{{Name: "x"}}, Optional: true}}
	for _, c := range []readCase{
		{
			"columns in the definition's order", define(semicolon, names("b", "a")), "a;b;c\r\n1;2;3\r\n4;5;6\r\n",
			result{Rows: [][]string{{"2", "1"}, {"5", "4"}}, Lines: []int{2, 3}, Unread: []string{"c"}},
		},
		{
			"white space in a header is folded", define(semicolon, names("Datum zápisu")), " Datum \u00a0 zápisu ;x\n1;2\n",
			result{Rows: [][]string{{"1"}}, Unread: []string{"x"}},
		},
		{
			"a quoted separator, quote and line break", define(semicolon, names("a;b", "c")), "\"a;b\";c\n\"x;\"\"y\"\"\";\"l1\nl2\"\n1;2\n",
			result{Rows: [][]string{{`x;"y"`, "l1\nl2"}, {"1", "2"}}, Lines: []int{2, 4}},
		},
		{"either of two names", define(semicolon, either), "New name\nx\n", result{Rows: [][]string{{"x"}}}},
		{"a missing column, rows unread", define(semicolon, names("a", "b")), "a;B\n1;2\n", result{Missing: []string{"b"}, Unread: []string{"B"}}},
		{"an optional column may be missing", define(semicolon, optional), "a\n1\n", result{Rows: [][]string{{"1", ""}}}},
		{
			"no header, skipped lines", define(register.Parse{Format: "csv", Delimiter: ";", NoHeader: true, Skip: 1}, indexes(1, 0)), "Updated: 2014-12-05\na;b;c\nd;e;f\n",
			result{Rows: [][]string{{"b", "a"}, {"e", "d"}}, Lines: []int{2, 3}, Unread: []string{"2"}},
		},
		{"a single row without a header is whole", define(register.Parse{Format: "csv", NoHeader: true}, indexes(0)), "a,b", result{Rows: [][]string{{"a"}}, Unread: []string{"1"}}},
		{"a last row with too few cells is cut", define(semicolon, names("a", "b")), "a;b\n1;2\n3", result{Rows: [][]string{{"1", "2"}, {"3", "", "CUT"}}}},
		{"unless rows before it had as few", define(semicolon, names("a", "b")), "a;b\n1\n3", result{Rows: [][]string{{"1", ""}, {"3", ""}}}},
		{"empty columns at the end of a header are none", define(semicolon, names("a", "b")), "a;b;;\n1;2\n", result{Rows: [][]string{{"1", "2"}}}},
		{"a last row inside a quote is cut", define(semicolon, names("a", "b")), "a;b\n1;2\n3;\"half", result{Rows: [][]string{{"1", "2"}, {"", "", "CUT"}}, Lines: []int{2, 3}}},
		{
			"loose quotes are an error with a line", define(semicolon, names("a", "b")), "a;b\n1;2\n3;x \"y\"\n5;6\n",
			result{Rows: [][]string{{"1", "2"}}, Err: "line 3: not CSV"},
		},
		{"unless they are allowed", define(register.Parse{Format: "csv", Delimiter: ";", Lazy: true}, names("a", "b")), "a;b\n3;x \"y\"\n", result{Rows: [][]string{{"3", `x "y"`}}}},
		{"a last line of white space is not cut", define(semicolon, names("a", "b")), "a;b\n1;2\n \u00a0 \n", result{Rows: [][]string{{"1", "2"}, {" \u00a0 ", ""}}}},
		{"nor is the end mark of old systems", define(semicolon, names("a", "b")), "a;b\n1;2\n\x1a", result{Rows: [][]string{{"1", "2"}, {"\x1a", ""}}}},
		{
			"a loose quote that swallows the rest is cut", define(register.Parse{Format: "csv", Delimiter: ";", Lazy: true}, names("a", "b")), "a;b\n1;2\n3;\"x\n4;5\n6;7\n",
			result{Rows: [][]string{{"1", "2"}, {"3", "x\n4;5\n6;7\n", "CUT"}}},
		},
		{
			"a last cell that is quoted whole is not", define(register.Parse{Format: "csv", Delimiter: ";", Lazy: true}, names("a", "b")), "a;b\n1;2\n3;\"x\ny\" \r\n",
			result{Rows: [][]string{{"1", "2"}, {"3", "x\ny\" \n"}}},
		},
		{"blank lines are no rows", define(semicolon, names("a")), "a\n\n1\n\n\n2\n", result{Rows: [][]string{{"1"}, {"2"}}, Lines: []int{3, 6}}},
		{"only a header", define(semicolon, names("a")), "a\n", result{}},
		{
			"a row without end", define(semicolon, names("a")), "a\n1\n" + strings.Repeat("x", maxRecord+100_000),
			result{Rows: [][]string{{"1"}}, Err: "line 3: a row is longer than"},
		},
		{
			"a quoted cell without end", define(semicolon, names("a")), "a\n1\n\"" + strings.Repeat("x\n", maxRecord/2+100_000),
			result{Rows: [][]string{{"1"}}, Err: "line 3: a row is longer than"},
		},
		{
			"many rows, each short enough", define(semicolon, names("a")), "a\n" + strings.Repeat(strings.Repeat("x", maxRecord/4)+"\n", 6),
			result{Rows: slices.Repeat([][]string{{strings.Repeat("x", maxRecord/4)}}, 6)},
		},
		{"a header without end", define(semicolon, names("a")), strings.Repeat("x", maxHeader+100_000), result{Missing: []string{"a"}, Err: "line 1: a row is longer than"}},
		{"nothing", define(semicolon, names("a")), "", result{Missing: []string{"a"}}},
	} {
		c.run(t)
	}
}

func FuzzCSV(f *testing.F) {
	fuzz(f, []register.Definition{
		define(register.Parse{Format: "csv"}, names("a", "b")),
		define(register.Parse{Format: "csv", Delimiter: ";", NoHeader: true, Skip: 1, Lazy: true}, indexes(0, 3)),
	}, "a,b\n1,2\n", "a,b\r\n\"x\"\"\",2\r\n3", "x\n;;;\n\"", "a,b\n\"")
}
