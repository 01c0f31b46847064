package format

import (
	"fmt"
	"io"
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

// A quote that never closes does not take the rest of a large file into memory,
// nor does a single cell of any size.
func TestCSVRecordLargerThanMemory(t *testing.T) {
	const most = 64 << 20
	strict, lazy := register.Parse{Format: "csv", Skip: 1}, register.Parse{Format: "csv", Skip: 1, Lazy: true}
	text := func(s string) io.Reader { return strings.NewReader(s) }
	const head = "skipped\na,b\n1,2\n\n"
	row := strings.Repeat("x", 98) + ",\n"
	for _, c := range []struct {
		name  string
		parse register.Parse
		body  io.Reader
		rows  int
		err   string
	}{
		{"an open quote", strict, io.MultiReader(text(head+`3,"`), &repeated{row, 64 << 20}), 1, "line 5"},
		{"an open quote, and loose ones may be", lazy, io.MultiReader(text(head+`3,"`), &repeated{row, 64 << 20}), 1, "line 5"},
		{"an open quote before blank lines", strict, io.MultiReader(text(head+`3,"`), &repeated{"\n", 64 << 20}), 1, "line 5"},
		{"an open quote, closed too late", strict, io.MultiReader(text(head+`3,"`), &repeated{row, 17 << 20}, text("\"\n5,6\n")), 1, "line 5"},
		{"a cell", strict, io.MultiReader(text(head+"3,"), &repeated{"xxxx", 100 << 20}, text("\n5,6\n")), 1, "line 5"},
		{"a quoted cell with loose quotes at its end", strict, io.MultiReader(text(head+`3,"`), &repeated{"xxxx", 100 << 20}, text("\"x\n5,6\n")), 1, "line 5"},
		{"a header", strict, io.MultiReader(text("skipped\na,"), &repeated{"xxxx", 100 << 20}), 0, "line 2"},
		{"as long as may be", strict, io.MultiReader(text(head+"3,"), &repeated{"xxxx", 16<<20 - 4096}, text("\n5,6\n")), 3, ""},
		{"many rows", strict, io.MultiReader(text(head), &repeated{row, 20 << 20}), 1 + (20<<20+len(row)-1)/len(row), ""},
		{"many blank lines", strict, io.MultiReader(text(head), &repeated{"\r\n", 20 << 20}, text("5,6\n")), 2, ""},
	} {
		r, errs := New(define(c.parse, names("a", "b")))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		body, rows := &sampledReader{body: c.body}, 0
		_, err := r.Read(t.Context(), body, func(Row) error { rows++; return nil })
		want := c.err + ": not CSV: a row is longer than 16 MB: a quote may not be closed"
		if text := fmt.Sprint(err); rows != c.rows || c.err == "" && err != nil || c.err != "" && (text != want || register.ClassOf(err) != register.ClassUnreadable) {
			t.Errorf("%s: %d rows, %v", c.name, rows, err)
		}
		if grown := body.grown(); c.err != "" && grown > most {
			t.Errorf("%s: %d MB were held", c.name, grown>>20)
		}
	}
}
