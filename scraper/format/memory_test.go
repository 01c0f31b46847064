package format

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// A page whose tree is thousands of times its size ends as too large, whatever
// the trick.
func TestHTMLTreeLargerThanMemory(t *testing.T) {
	const limit = 32 << 20
	bold := strings.Builder{}
	bold.WriteString("<p>")
	for i := range 200 {
		fmt.Fprintf(&bold, "<b id=%d>", i)
	}
	const row = "<table><tr><td>A</table>"
	for _, test := range []struct {
		name, page string
		tooLarge   bool
	}{
		{"many elements", strings.Repeat("<p>", 1<<20) + row, true},
		{"formatting that is opened anew", bold.String() + strings.Repeat("<p>x", 20_000) + row, true},
		{"formatting that is opened anew, behind a long attribute", "<p title='" + strings.Repeat("x", 1<<20) + "'>" + bold.String() + strings.Repeat("<p>x", 20_000) + row, true},
		{"a page as they are", strings.Repeat("<p><b>x</b>", 1000) + row, false},
	} {
		def := register.Definition{
			Parse:  register.Parse{Format: register.FormatHTML},
			Fields: []register.Field{{Name: "name", From: []register.Source{{Name: "td"}}}}, Key: []string{"name"},
		}
		reader, errs := New(def)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		reader.(*htmlReader).memory = limit
		runtime.GC() // what an earlier page left is no page's
		rows := 0
		_, err := reader.Read(t.Context(), strings.NewReader(test.page), func(Row) error { rows++; return nil })
		if tooLarge := register.ClassOf(err) == register.ClassTooLarge; err != nil != test.tooLarge || tooLarge != test.tooLarge || !tooLarge && rows != 1 {
			t.Errorf("%s: %d rows, %v", test.name, rows, err)
		}
	}
}

// And so does a document whose values are many times its size.
func TestJSONValuesLargerThanMemory(t *testing.T) {
	const limit = 32 << 20
	for _, test := range []struct {
		name, document string
		tooLarge       bool
	}{
		{"empty arrays", "[" + strings.Repeat("[],", 1<<20) + "{}]", true},
		{"tiny objects", "[" + strings.Repeat(`{"a":1},`, 200_000) + "{}]", true},
		{"behind what is small", `[{"name":"A"},` + strings.Repeat("[[[[]]]],", 300_000) + "{}]", true},
		{"a document as they are", "[" + strings.Repeat(`{"name":"Firm of some name","reason":"no licence"},`, 1000) + `{"name":"` + strings.Repeat("x", 1<<20) + `"}]`, false},
	} {
		def := register.Definition{
			Parse:  register.Parse{Format: register.FormatJSON, Rows: ".[] | objects"},
			Fields: []register.Field{{Name: "name", From: []register.Source{{Name: ".name"}}}}, Key: []string{"name"},
		}
		reader, errs := New(def)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		reader.(*jsonReader).memory = limit
		runtime.GC() // what an earlier document left is no document's
		rows := 0
		_, err := reader.Read(t.Context(), strings.NewReader(test.document), func(Row) error { rows++; return nil })
		if tooLarge := register.ClassOf(err) == register.ClassTooLarge; err != nil != test.tooLarge || tooLarge != test.tooLarge || !tooLarge && rows != 1001 {
			t.Errorf("%s: %d rows, %v", test.name, rows, err)
		}
	}
}
