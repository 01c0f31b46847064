package format

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
)

// names makes a field of each name, read from the source of the same name.
func names(sources ...string) []register.Field {
	var fields []register.Field
	for _, source := range sources {
		fields = append(fields, register.Field{Name: source, From: []register.Source{{Name: source}}})
	}
	return fields
}

// indexes makes a field of each index.
func indexes(n ...int) []register.Field {
	var fields []register.Field
	for _, at := range n {
		fields = append(fields, register.Field{Name: "column", From: []register.Source{{Index: at, ByIndex: true}}})
	}
	return fields
}

func define(parse register.Parse, fields []register.Field) register.Definition {
	return register.Definition{Parse: parse, Fields: fields}
}

// result is what reading gave, in a form that is easy to write down: cells as
// text, repeats parted by " + ", a cut row ending in "CUT".
type result struct {
	Rows    [][]string
	Lines   []int
	Missing []string
	Unread  []string
	Err     string
}

func read(t testing.TB, def register.Definition, body string) result {
	t.Helper()
	r, errs := New(def)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var got result
	reading, err := r.Read(context.Background(), strings.NewReader(body), func(row Row) error {
		var cells []string
		for _, cell := range row.Cells {
			cells = append(cells, strings.Join(append([]string{cell.Text}, cell.More...), " + "))
		}
		if row.Cut {
			cells = append(cells, "CUT")
		}
		got.Rows, got.Lines = append(got.Rows, cells), append(got.Lines, row.Line)
		return nil
	})
	got.Missing, got.Unread = reading.Shape.Missing, reading.Shape.Unread
	if err != nil {
		got.Err = err.Error()
		if register.ClassOf(err) == register.ClassInternal {
			t.Errorf("%v is not the page's failure", err)
		}
	}
	return got
}

type readCase struct {
	name string
	def  register.Definition
	body string
	want result
}

func (c readCase) run(t *testing.T) {
	t.Run(c.name, func(t *testing.T) {
		got := read(t, c.def, c.body)
		if c.want.Lines == nil {
			got.Lines = nil
		}
		if c.want.Err != "" && strings.Contains(got.Err, c.want.Err) {
			got.Err = c.want.Err
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestDefinitionErrors(t *testing.T) {
	field := func(source register.Source) []register.Field {
		return []register.Field{{Name: "domain", From: []register.Source{source}}}
	}
	name := func(s string) []register.Field { return field(register.Source{Name: s}) }
	for _, c := range []struct {
		name  string
		def   register.Definition
		paths []string
	}{
		{"unknown format", define(register.Parse{Format: "yaml"}, nil), []string{"parse.format"}},
		{"a format that is not built", define(register.Parse{Format: "xlsx"}, nil), []string{"parse.format"}},
		{"long delimiter", define(register.Parse{Format: "csv", Delimiter: ";;"}, name("a")), []string{"parse.delimiter"}},
		{"quote as delimiter", define(register.Parse{Format: "csv", Delimiter: `"`}, name("a")), []string{"parse.delimiter"}},
		{"a name without a header", define(register.Parse{Format: "csv", NoHeader: true}, name("a")), []string{"fields.domain.from[0]"}},
		{"rows of csv", define(register.Parse{Format: "csv", Rows: "tr"}, name("a")), []string{"parse.rows"}},
		{"negative index", define(register.Parse{Format: "csv"}, field(register.Source{Index: -1, ByIndex: true})), []string{"fields.domain.from[0]"}},
		{"delimiter of json", define(register.Parse{Format: "json", Delimiter: ";"}, name(".a")), []string{"parse.delimiter"}},
		{"broken jq, twice", define(register.Parse{Format: "json", Rows: ".["}, name("a b")), []string{"parse.rows", "fields.domain.from[0]"}},
		{"jq that reads a file", define(register.Parse{Format: "json"}, name(`input`)), []string{"fields.domain.from[0]"}},
		{"broken selector", define(register.Parse{Format: "html", Rows: "tr["}, name("td:nth-child(")), []string{"parse.rows", "fields.domain.from[0]"}},
		{"broken path", define(register.Parse{Format: "xml", Rows: "a//b"}, name("a/@b/c")), []string{"parse.rows", "fields.domain.from[0]"}},
		{"an attribute as row", define(register.Parse{Format: "xml", Rows: "a/@b"}, name("a")), []string{"parse.rows"}},
		{"an index in xml", define(register.Parse{Format: "xml"}, field(register.Source{ByIndex: true})), []string{"fields.domain.from[0]"}},
		{"broken expression", define(register.Parse{Format: "text", Rows: "(?P<a>"}, name("a")), []string{"parse.rows"}},
		{"no group", define(register.Parse{Format: "text", Rows: "a"}, name("a")), []string{"parse.rows"}},
		{"unknown group", define(register.Parse{Format: "text", Rows: "(?P<b>.*)"}, name("a")), []string{"fields.domain.from[0]"}},
		{"total of csv", register.Definition{Parse: register.Parse{Format: "csv"}, Fields: name("a"), Expect: register.Expect{Total: ".x"}}, []string{"expect.total"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errs := New(c.def)
			var paths []string
			for _, err := range errs {
				paths = append(paths, err.Path)
				if err.Message == "" {
					t.Errorf("%s has no message", err.Path)
				}
			}
			if diff := cmp.Diff(c.paths, paths); diff != "" {
				t.Errorf("%v\n%s", errs, diff)
			}
		})
	}
}

// A reader stops with what emit, the body or the context say, untouched.
func TestErrorsOfOthers(t *testing.T) {
	for _, c := range formats() {
		t.Run(c.def.Parse.Format, func(t *testing.T) {
			r, errs := New(c.def)
			if len(errs) > 0 {
				t.Fatal(errs)
			}
			stop := errors.New("stop")
			if _, err := r.Read(t.Context(), strings.NewReader(c.body), func(Row) error { return stop }); !errors.Is(err, stop) {
				t.Errorf("emit's error came back as %v", err)
			}
			if _, err := r.Read(t.Context(), &failingReader{c.body, stop}, func(Row) error { return nil }); !errors.Is(err, stop) {
				t.Errorf("the body's error came back as %v", err)
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := r.Read(ended, strings.NewReader(strings.Repeat(c.body, 1)), func(Row) error { return ended.Err() }); !errors.Is(err, context.Canceled) {
				t.Errorf("the context's error came back as %v", err)
			}
		})
	}
}

type failingReader struct {
	text string
	err  error
}

func (f *failingReader) Read(p []byte) (int, error) {
	n := copy(p, f.text[:len(f.text)/2])
	f.text = f.text[:0]
	if n == 0 {
		return 0, f.err
	}
	return n, nil
}

// formats is a small body of each format.
func formats() []readCase {
	return []readCase{
		{def: define(register.Parse{Format: "csv"}, names("a", "b")), body: "a,b\n1,2\n3,4\n"},
		{def: define(register.Parse{Format: "text"}, names("line")), body: "one\ntwo\nthree\n"},
		{def: define(register.Parse{Format: "json"}, names(".a", ".b")), body: `[{"a":1,"b":[2,"x"]},{"a":3,"b":null}]`},
		{def: define(register.Parse{Format: "xml"}, names("a", "b/@c")), body: `<?xml version="1.0"?><r><e><a>1</a><b c="2"/></e><e><a>3</a></e></r>`},
		{def: define(register.Parse{Format: "html"}, names("A", "td:nth-child(2)")), body: `<table><tr><th>A<th>B<tr><td>1<td>2<tr><td rowspan=2>3<td>4</table>`},
	}
}

// fuzz looks for a panic, and for an error that is not the page's.
func fuzz(f *testing.F, parses []register.Definition, seeds ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, def := range parses {
			got := read(t, def, strings.ToValidUTF8(body, "\uFFFD"))
			for _, row := range got.Rows {
				if len(row) < len(def.Fields) {
					t.Fatalf("a row of %d cells for %d fields", len(row), len(def.Fields))
				}
			}
		}
	})
}
