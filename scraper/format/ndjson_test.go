package format

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestNDJSON(t *testing.T) {
	lines := func(rows string, from ...string) register.Definition {
		return define(register.Parse{Format: "ndjson", Rows: rows}, names(from...))
	}
	for _, c := range []readCase{
		{
			"a value on each line", lines("", ".id", ".tags"), "{\"id\":1,\"tags\":[\"a\",\"b\"],\"x\":0}\r\n\n{\"id\":2}\n",
			result{Rows: [][]string{{"1", "a + b"}, {"2", ""}}, Lines: []int{1, 3}, Unread: []string{"x"}},
		},
		{"without the last line end", lines("", ".a"), `{"a":1}` + "\n" + `{"a":2}`, result{Rows: [][]string{{"1"}, {"2"}}}},
		{"several rows of a line", lines(".l[]", ".a"), `{"l":[{"a":1},{"a":2}]}` + "\n" + `{"l":[]}` + "\n", result{Rows: [][]string{{"1"}, {"2"}}, Lines: []int{1, 1}}},
		{"cut", lines("", ".a"), `{"a":1}` + "\n" + `{"a":`, result{Rows: [][]string{{"1"}, {"", "CUT"}}}},
		{"a flaw in a line", lines("", ".a"), `{"a":1}` + "\n" + `{"a":` + "\n" + `{"a":3}` + "\n", result{Rows: [][]string{{"1"}}, Err: "line 2: not JSON: it ends"}},
		{"two values on a line", lines("", ".a"), `{"a":1}{"a":2}` + "\n", result{Err: "line 1: not JSON: something follows"}},
		{"a key that no row has", lines("", ".a", ".b"), `{"a":1}` + "\n", result{Rows: [][]string{{"1", ""}}, Missing: []string{".b"}}},
		{"nothing", lines("", ".a"), "", result{}},
		{"one endless line", lines("", ".a"), strings.Repeat(" ", maxNDJSONLine) + "1\n", result{Err: "line 1: a line is longer than 16777216 bytes"}},
	} {
		c.run(t)
	}
}

// A line of several rows is not known by its bytes: they would hide each other.
func TestOnlyLinesThatAreRowsAreKnown(t *testing.T) {
	for rows, want := range map[string]bool{"": true, ".": true, ".l[]": false, ". | .": false} {
		r, errs := New(define(register.Parse{Format: "ndjson", Rows: rows}, names(".a")))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		if _, got := r.(RowBytes).RowsOf([]byte("{}\n"), nil); got != want { //nolint:forcetypeassert // it is one
			t.Errorf("rows %q: known by their bytes %t, want %t", rows, got, want)
		}
	}
}

func FuzzNDJSON(f *testing.F) {
	for _, seed := range []string{"{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":", "\n\n[]\n1\r\n", "{\"a\":{\"b\":[1,2]}}\n"} {
		f.Add(seed)
	}
	def := define(register.Parse{Format: "ndjson"}, names(".a"))
	f.Fuzz(func(t *testing.T, body string) {
		got := read(t, def, body)
		if most := strings.Count(body, "\n") + 1; len(got.Rows) > most {
			t.Errorf("%d rows of %d lines", len(got.Rows), most)
		}
	})
}
