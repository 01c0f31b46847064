package format

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

func TestStreamedPrograms(t *testing.T) {
	for _, c := range []struct {
		rows, total string
		streamed    bool
	}{
		{".[]", "", true},
		{" .[]? ", "", true},
		{".a[]", "", true},
		{".a.b?.c[]", ".a.t", true},
		{".a[]", ".t.n?", true},
		{".[]", ".t", false}, // the total would be within the rows
		{".a[]", ".a", false},
		{".a.b[]", ".a", false},
		{".a[]", ".a.b", false},
		{".a[]", ".t | length", false},
		{".[].b", "", false},
		{".[][]", "", false},
		{".a[].b[]", "", false},
		{".a", "", false},
		{"[]", "", false},
		{".[0]", "", false},
		{`.["a"][]`, "", false},
		{".[] | select(.a)", "", false},
	} {
		if streamOf(c.rows, c.total) != nil != c.streamed {
			t.Errorf("%q with %q: streamed should be %t", c.rows, c.total, c.streamed)
		}
	}
}

// Read as a stream, a document gives what it gives as a whole: the same rows, the
// same total and columns, the same failure. Only the rows that stand before a
// flaw are handed on besides.
func TestStreamedAsWhole(t *testing.T) {
	var streams, refusals, rows int
	rapid.Check(t, func(rt *rapid.T) {
		def := define(register.Parse{
			Format: "json",
			Rows:   rapid.SampledFrom([]string{".[]", ".[]?", ".a[]", ".a[]?", ".a.b[]", ".a?.b[]", ".a.b?[]?"}).Draw(rt, "rows"),
		}, names(".a", ".b[].a", `(.t? // "x") | tostring`))
		def.Expect.Total = rapid.SampledFrom([]string{"", ".t", ".a.t", ".b.t?", ".t.t"}).Draw(rt, "total")
		document := drawJSON(rt)
		compiled, errs := New(def)
		if len(errs) > 0 {
			rt.Fatal(errs)
		}
		whole := *compiled.(*jsonReader)
		if whole.stream != nil {
			streams++
		}
		whole.stream = nil
		want, got := readAll(rt, &whole, document), readAll(rt, compiled, document)
		if want.err != "" {
			refusals++
			if len(got.rows) < len(want.rows) {
				rt.Fatalf("%d rows instead of %d", len(got.rows), len(want.rows))
			}
			got.rows, got.reading.Shape = want.rows, want.reading.Shape
		}
		rows += len(want.rows)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(all{})); diff != "" {
			rt.Fatalf("%s of %s\n-whole +streamed:\n%s", def.Parse.Rows, document, diff)
		}
	})
	if streams == 0 || refusals == 0 || rows == 0 {
		t.Errorf("%d documents were streamed, %d refused, %d rows read: the documents are not diverse", streams, refusals, rows)
	}
}

// all is everything that reading gave.
type all struct {
	rows    []Row
	reading Reading
	err     string
}

func readAll(t *rapid.T, r Reader, body string) all {
	var got all
	reading, err := r.Read(t.Context(), strings.NewReader(body), func(row Row) error {
		row.Cells = slices.Clone(row.Cells)
		got.rows = append(got.rows, row)
		return nil
	})
	got.reading = reading
	if err != nil {
		got.err = register.ClassOf(err) + ": " + err.Error()
	}
	return got
}

// drawJSON draws a document, now and then one with a flaw: few keys, so that they
// are often those of a path, and often stand twice.
func drawJSON(t *rapid.T) string {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n", "\r\n\t"})
	key := rapid.SampledFrom([]string{"a", "a", "b", "t", "c", "a\\u0062", "á"})
	scalar := rapid.SampledFrom([]string{
		"null", "true", "0", "-1.50", "12345678901234567890123", "1e400", `""`, `"x"`, `"a\nb \u00e1\ud800"`,
	})
	var value func(depth int, twice bool) string
	list := func(open, end string, n int, item func(i int) string) string {
		var b strings.Builder
		b.WriteString(open)
		for i := range n {
			if i > 0 {
				b.WriteString(space.Draw(t, "space") + ",")
			}
			b.WriteString(space.Draw(t, "space") + item(i))
		}
		return b.String() + space.Draw(t, "space") + end
	}
	value = func(depth int, twice bool) string {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		switch {
		case depth == 0 || kind == 0:
			return scalar.Draw(t, "scalar")
		case kind < 3:
			return list("[", "]", rapid.IntRange(0, 4).Draw(t, "n"), func(int) string { return value(depth-1, twice) })
		}
		keys := rapid.SliceOfN(key, 0, 4).Draw(t, "keys")
		if !twice {
			slices.Sort(keys)
			keys = slices.Compact(keys)
		}
		return list("{", "}", len(keys), func(i int) string {
			return fmt.Sprintf(`"%s"%s:%s`, keys[i], space.Draw(t, "space"), value(depth-1, twice))
		})
	}
	flaw := rapid.IntRange(0, 9).Draw(t, "flaw")
	inner := value(4, flaw == 0)
	switch rapid.IntRange(0, 3).Draw(t, "around") {
	case 0:
		inner = fmt.Sprintf(`{"t":%s,"a":%s,"b":%s}`, value(1, false), inner, value(2, false))
	case 1:
		inner = fmt.Sprintf(`{"c":%s,"a":{"t":7,"b":%s},"t":{"t":%s}}`, value(2, false), inner, value(1, false))
	}
	at := rapid.IntRange(0, len(inner)).Draw(t, "at")
	switch flaw {
	case 1:
		return inner[:at]
	case 2:
		return inner[:at] + rapid.SampledFrom([]string{"]", "}", ",", ":", "x", `"`, "[", "\x00"}).Draw(t, "flawed") + inner[at:]
	case 3:
		return inner + rapid.SampledFrom([]string{" ", "\n\n", "]", "null", "{}"}).Draw(t, "behind")
	case 4:
		deep := maxJSONDepth - rapid.IntRange(0, 6).Draw(t, "less")
		return strings.Replace(inner, "null", strings.Repeat("[", deep)+strings.Repeat("]", deep), 1)
	}
	return inner
}

// The rules of a document hold at every place of it: also in what is read over, on
// the way and in the rows.
func TestStreamedRules(t *testing.T) {
	const deep = 2 * maxJSONDepth
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	lines := strings.Repeat("[1,\n2],\n", 100_000)
	for _, c := range []struct{ name, rows, document, err string }{
		{"a key twice in what is read over", ".a[]", `{"x":[{"k":1,"k":2}],"a":[]}`, `line 1: not JSON: the key "k" stands twice in one object`},
		{"a key twice on the way", ".a[]", "{\"a\":[],\n\"a\":[]}", `line 2: not JSON: the key "a" stands twice in one object`},
		{"deep in what is read over", ".a[]", `{"x":` + nested(maxJSONDepth) + `,"a":[]}`, "line 1: not JSON: nested deeper than 512"},
		{"as deep as may be in what is read over", ".a[]", `{"x":` + nested(maxJSONDepth-1) + `,"a":[]}`, ""},
		{"deep in a row", ".a[]", `{"a":[` + nested(maxJSONDepth-1) + `]}`, "line 1: not JSON: nested deeper than 512"},
		{"as deep as may be in a row", ".a[]", `{"a":[` + nested(maxJSONDepth-2) + `]}`, ""},
		{"deep on the way", strings.Repeat(".a", deep) + "[]", strings.Repeat(`{"a":`, deep) + "[]" + strings.Repeat("}", deep), "line 1: not JSON: nested deeper than 512"},
		{"far behind, in what is read over", ".a[]", `{"x":[` + lines + `nul]}`, "line 200001: not JSON: invalid character ']' in literal null (expecting 'l')"},
		{"far behind, in the rows", ".a[]", `{"a":[` + lines + `nul]}`, "line 200001: not JSON: invalid character ']' in literal null (expecting 'l')"},
		{"something behind", ".a[]", "{\"a\":[]}\n{", "line 2: not JSON: something follows the document's end"},
	} {
		def := define(register.Parse{Format: "json", Rows: c.rows}, names("."))
		streamed, errs := New(def)
		if len(errs) > 0 || streamed.(*jsonReader).stream == nil {
			t.Fatal(c.name, errs)
		}
		whole := *streamed.(*jsonReader)
		whole.stream = nil
		for how, r := range map[string]Reader{"streamed": streamed, "whole": &whole} {
			_, err := r.Read(t.Context(), strings.NewReader(c.document), func(Row) error { return nil })
			if text := fmt.Sprint(err); c.err == "" && err != nil || c.err != "" && text != c.err {
				t.Errorf("%s, %s: %v", c.name, how, err)
			}
		}
	}
}

// A document of any number of rows is read with the memory of one.
func TestStreamedMemory(t *testing.T) {
	const size, most = 12 << 20, 4 << 20
	const row, element = `{"name":"Firm of some name","reason":"no licence","tags":["a",1,{}]}`, `<firm tag="a"><name>Firm of some name</name><reason>no licence</reason></firm>`
	text := func(s string) io.Reader { return strings.NewReader(s) }
	inJSON := define(register.Parse{Format: "json", Rows: ".data[]"}, names(".name"))
	inJSON.Expect.Total = ".total"
	for _, c := range []struct {
		def   register.Definition
		body  io.Reader
		total string
	}{
		{inJSON, io.MultiReader(
			text(`{"other":[`), &repeated{row + ",\n", size / 2}, text(row+`],"data":[`),
			&repeated{row + ",\n\n\n\n", size}, text(row+`],"total":12}`)), "12"},
		{define(register.Parse{Format: "xml", Rows: "list/firms/firm"}, names("name")), io.MultiReader(
			text("<list><others>"), &repeated{element, size / 2}, text("</others><firms>"),
			&repeated{element, size}, text("</firms></list>")), ""},
	} {
		r, errs := New(c.def)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		body, rows := &sampledReader{body: c.body}, 0
		reading, err := r.Read(t.Context(), body, func(Row) error { rows++; return nil })
		if err != nil || rows < size/100 || reading.Total != c.total {
			t.Fatalf("%s: %d rows, total %q, %v", c.def.Parse.Format, rows, reading.Total, err)
		}
		if grown := body.grown(); grown > most {
			t.Errorf("%s: %d MB were held", c.def.Parse.Format, grown>>20)
		}
	}
}

// repeated reads as a text that is repeated until it has that many bytes, or some
// more.
type repeated struct {
	text string
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n+len(r.text) <= len(p) && r.left > 0 {
		n += copy(p[n:], r.text)
		r.left -= len(r.text)
	}
	if n == 0 {
		return 0, io.ErrShortBuffer
	}
	return n, nil
}

// sampledReader looks at what the process holds while a body is read.
type sampledReader struct {
	body        io.Reader
	unseen      int
	begun, most uint64
}

func (s *sampledReader) Read(p []byte) (int, error) {
	if s.begun == 0 {
		s.look()
		s.begun = s.most
	}
	n, err := s.body.Read(p)
	if s.unseen += n; s.unseen >= 2<<20 {
		s.look()
	}
	return n, err
}

func (s *sampledReader) look() {
	s.unseen = 0
	runtime.GC() // what is garbage is not held
	inUse, _ := heap()
	s.most = max(s.most, inUse)
}

// grown is by how much more the process held at most, in bytes.
func (s *sampledReader) grown() uint64 {
	s.look()
	return s.most - s.begun
}
