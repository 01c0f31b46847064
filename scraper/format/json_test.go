package format

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

func TestJSON(t *testing.T) {
	json := func(rows string, from ...string) register.Definition {
		return define(register.Parse{Format: "json", Rows: rows}, names(from...))
	}
	for _, c := range []readCase{
		{
			"an array of objects", json("", ".id", ".tags"), `[{"id":1,"tags":["a","","b"],"x":0},{"id":2,"tags":[]}]`,
			result{Rows: [][]string{{"1", "a + b"}, {"2", ""}}, Lines: []int{1, 2}, Unread: []string{"x"}},
		},
		{
			"pages of nested objects", json(".data[]", ".id", ".attributes.nama"), `{"meta":{"total":1},"data":[{"id":7,"type":"t","attributes":{"nama":"X"}}]}`,
			result{Rows: [][]string{{"7", "X"}}, Unread: []string{"type"}},
		},
		{
			"numbers keep every digit", json("", ".a", ".b", ".c + 0 | tostring"), `[{"a":12345678901234567890123,"b":1e400,"c":1.10}]`,
			result{Rows: [][]string{{"12345678901234567890123", "1e400", "1.1"}}},
		},
		{"null is there, and empty", json("", ".a", ".b.c"), `[{"a":null,"b":{"c":null}}]`, result{Rows: [][]string{{"", ""}}}},
		{
			"a key that no row has is missing", json("", ".a", ".b", ".c.d"), `[{"a":1},{"a":2,"c":{}}]`,
			result{Rows: [][]string{{"1", "", ""}, {"2", "", ""}}, Missing: []string{".b", ".c.d"}},
		},
		{"a key that one row has is not", json("", ".a", ".b"), `[{"a":1},{"b":2}]`, result{Rows: [][]string{{"1", ""}, {"", "2"}}}},
		{"elements of elements", json("", ".l[].n"), `[{"l":[{"n":"x"},{"n":"y"}]},{"l":[]}]`, result{Rows: [][]string{{"x + y"}, {""}}}},
		{
			"a program", json("", `.a + "/" + .b`, `[.l[] | select(.ok) | .n]`), `[{"a":"1","b":"2","l":[{"ok":true,"n":"x"},{"ok":false,"n":"y"}]}]`,
			result{Rows: [][]string{{"1/2", "x"}}},
		},
		{"objects and booleans as JSON", json("", ".a", ".b"), `[{"a":{"z":1,"y":[true]},"b":false}]`, result{Rows: [][]string{{`{"y":[true],"z":1}`, "false"}}}},
		{"no environment", json("", `$ENV.PATH`), `[1]`, result{Rows: [][]string{{""}}, Missing: []string{"$ENV.PATH"}}},
		{"no rows, nothing missing", json(".data[]", ".a"), `{"data":[]}`, result{}},
		{"rows that are not there", json(".data[]", ".a"), `{"error":"gone"}`, result{Err: "parse.rows: cannot iterate over: null"}},
		{"cut", json("", ".a"), "[{\"a\":1},\n{\"a\":", result{Rows: [][]string{{"1"}}, Err: "line 2: not JSON: it ends before its last bracket"}},
		{"cut, read whole", json(".[] | .", ".a"), "[{\"a\":1},\n{\"a\":", result{Err: "line 2: not JSON: it ends before its last bracket"}},
		{"a key twice", json("", ".a"), `[{"a":1,"a":2}]`, result{Err: `not JSON: the key "a" stands twice`}},
		{"NaN", json("", ".a"), `[{"a":NaN}]`, result{Err: "line 1: not JSON"}},
		{"the line of a flaw in a value", json("", ".a"), "[{\"a\":1},\n\n\n{\"a\":tru}]", result{Rows: [][]string{{"1"}}, Err: "line 4: not JSON"}},
		{"deep", json("", ".a"), strings.Repeat("[", 20000), result{Err: "nested deeper than 512"}},
		{"two documents", json("", ".a"), "[]\n[]", result{Err: "something follows"}},
		{"nothing", json("", ".a"), "", result{Err: "not JSON: it ends"}},
	} {
		c.run(t)
	}
}

func TestJSONTotal(t *testing.T) {
	def := define(register.Parse{Format: "json", Rows: ".data[]"}, names(".a"))
	def.Expect.Total = ".meta.total"
	r, errs := New(def)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	reading, err := r.Read(t.Context(), strings.NewReader(`{"meta":{"total":1234},"data":[]}`), func(Row) error { return nil })
	if err != nil || reading.Total != "1234" {
		t.Errorf("total %q, %v", reading.Total, err)
	}
}

func FuzzJSON(f *testing.F) {
	fuzz(f, []register.Definition{
		define(register.Parse{Format: "json"}, names(".a", ".b[].c", `.d? // "x"`)),
		define(register.Parse{Format: "json", Rows: ".data[]?"}, names(".")),
	}, `[{"a":1,"b":[{"c":"\ud800"}]}]`, `{"data":[1,"x",null,[[]]]}`, `[1e999,{"a":{}}]`, "[")
}
