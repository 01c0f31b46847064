package scraper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

func TestReadEntries(t *testing.T) {
	def := definition(register.FormatCSV, "kind", "name", "web", "stamp")
	def.Key, def.Ignore = []string{"field1", "field0"}, []string{"field3"}
	def.Fields[0].Map = map[string]string{"A": "app"}
	def.ListedWhile = `field2 != "gone"`
	s, proof := readBodies(t, def, register.Health{}, nil, []byte(strings.Join([]string{
		"kind,name,web,stamp,extra",
		"A,Wish,w.example,1,x",
		"A, Wish ,w.example,2,y", // repeated: white space and what is ignored do not count
		"A,Wish,v.example,3,z",   // the same key with other content
		",,,,only what no field reads",
		"B,,,4,",
		"B,Left,gone,5,",
	}, "\n")+"\n"))
	if !proof.Complete() {
		t.Fatal(verdict(proof))
	}
	entry := func(key register.Key, fields ...register.Value) register.Entry {
		compared := slices.DeleteFunc(slices.Clone(fields), func(v register.Value) bool { return v.Name == "field3" })
		return register.Entry{Key: key, Fields: fields, Content: register.ContentHash(compared)}
	}
	v := func(n int, text string) register.Value {
		return register.Value{Name: "field" + strconv.Itoa(n), Text: text}
	}
	want := register.Snapshot{
		Entries: []register.Entry{
			entry(`["Wish","A"]`, v(0, "app"), v(1, "Wish"), v(2, "w.example"), v(3, "1")),
			entry(`["Wish","A"]`, v(0, "app"), v(1, "Wish"), v(2, "v.example"), v(3, "3")),
			entry(`["","B"]`, v(0, "B"), v(3, "4")),
		},
		Delisted: []register.Entry{entry(`["Left","B"]`, v(0, "B"), v(1, "Left"), v(2, "gone"), v(3, "5"))},
		Shape:    register.Shape{Columns: []string{"kind", "name", "web", "stamp", "extra"}, Unread: []string{"extra"}},
		Counts:   register.ReadCounts{Rows: 5, Blank: 1, Repeated: 1, Chars: s.Counts.Chars, Odd: map[string]int{"field0": 2}},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A dump as the Russian watchdog's: a stamp, no header, windows-1251.
func TestReadHeaderless(t *testing.T) {
	body, err := charmap.Windows1251.NewEncoder().String("Updated: 2014-12-02 11:05:00 +0000\n" +
		"192.0.2.1;Пример.рф;http://пример.рф/А;суд;2-1/14;2014-12-01\n192.0.2.2 | 192.0.2.3;a.example;;Роспотребнадзор;660;2013-01-23\n")
	if err != nil {
		t.Fatal(err)
	}
	def := register.Definition{
		Fetch: register.Fetch{Encoding: "windows-1251"}, Key: []string{"domain", "authority", "number"},
		Parse: register.Parse{Format: register.FormatCSV, Delimiter: ";", NoHeader: true, Skip: 1},
	}
	for i, name := range []string{"ip", "domain", "url", "authority", "number", "listed_on"} {
		def.Fields = append(def.Fields, register.Field{Name: name, From: []register.Source{{Index: i, ByIndex: true}}})
	}
	def.Fields[0].Type, def.Fields[0].Sep = register.TypeList, " | "
	def.Fields[1].Type = register.TypeDomain
	s, proof := readBodies(t, def, register.Health{}, nil, []byte(body))
	if !proof.Complete() || len(s.Entries) != 2 {
		t.Fatalf("%s, %d entries", verdict(proof), len(s.Entries))
	}
	if got := s.Entries[0].Key; got != `["пример.рф","суд","2-1/14"]` {
		t.Errorf("key %s", got)
	}
	if got := s.Entries[1].Fields.Get("ip"); got != "192.0.2.2 | 192.0.2.3" {
		t.Errorf("ip %q", got)
	}
}

// Pages of JSON make one snapshot; a column counts as there if one page has it.
func TestReadPages(t *testing.T) {
	def := definition(register.FormatJSON, ".id", ".attributes.nama", ".attributes.ended")
	def.Parse.Rows, def.Expect.Total = ".data[]", ".meta.page.total"
	s, proof := readBodies(t, def, register.Health{}, nil,
		[]byte(`{"meta":{"page":{"total":3}},"data":[{"id":1,"attributes":{"nama":"A"}},{"id":2,"attributes":{"nama":"B"}}]}`),
		[]byte(`{"meta":{"page":{"total":3}},"data":[{"id":3,"attributes":{"nama":"C","ended":"2022"}}]}`))
	if !proof.Complete() || len(s.Entries) != 3 || len(s.Shape.Missing) != 0 {
		t.Errorf("%s, %d entries, missing %q", verdict(proof), len(s.Entries), s.Shape.Missing)
	}
}

func TestReadOwnTrouble(t *testing.T) {
	r := mustReader(t, definition(register.FormatCSV, "a"))
	pages := []register.Page{{URL: "https://example.org/list.csv", SHA256: "00"}}
	lost := func(string) (io.ReadCloser, error) { return nil, fs.ErrNotExist }
	if _, _, err := r.Read(t.Context(), pages, lost, register.Health{}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), pages[0].URL) {
		t.Errorf("a body that is not in the archive gives %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("a\n1\n")), nil }
	if _, _, err := r.Read(ended, pages, open, register.Health{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context gives %v", err)
	}
	if _, proof, err := r.Read(t.Context(), nil, open, register.Health{}); err != nil || proof.Failed() == nil {
		t.Errorf("no page gives %v, %v", proof, err)
	}
}

func TestLook(t *testing.T) {
	r := mustReader(t, definition(register.FormatJSON, ".a"))
	look := func(body string) pageReading {
		reading, err := r.look(t.Context(), register.Page{URL: "u"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil })
		if err != nil {
			t.Fatal(err)
		}
		return reading
	}
	two := look(`[{"a":1},{"a":2}]`)
	if again := look(`[{"a":2}, {"a":1,"clock":"12:00"}]`); two.filled != 2 || again.filled != 2 || two.contents != again.contents {
		t.Errorf("the same rows in another order: %v and %v", two.contents, again.contents)
	}
	if other := look(`[{"a":2},{"a":2}]`); other.contents == two.contents {
		t.Error("other rows, and the same contents")
	}
	if n := look(`[]`).filled; n != 0 {
		t.Errorf("%d rows; want 0", n)
	}
	if register.ClassOf(look(`<html>`).instead) != register.ClassWebPage {
		t.Error("a web page is taken for JSON")
	}
	if register.ClassOf(look(`[{"a":`).broken) != register.ClassUnreadable {
		t.Error("a cut page is taken for a whole one")
	}
}

func TestCheck(t *testing.T) {
	def := definition(register.FormatCSV, "a", "b", "c")
	def.Parse.Delimiter = "ab"
	def.Fields[0].Strip = "("
	def.Fields[1].Type, def.Fields[1].Layout = register.TypeDate, "dd.mm.yyyy"
	def.Fields[2].Layout, def.Fields[2].Sep = "2006", ";"
	def.Key = []string{"nothing"}
	def.ListedWhile = `missing == ""`
	def.Fetch.Encoding = "windows-9999"
	def.Expect.Total = ".total"
	var paths []string
	for _, err := range Check(def) {
		paths = append(paths, err.Path)
	}
	want := []string{
		"expect.total", "parse.delimiter", "fields.field0.strip", "fields.field1.layout", "fields.field2.layout",
		"fields.field2.sep", "key[0]", "listed_while", "fetch.encoding",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if errs := Check(czDefinition()); len(errs) > 0 {
		t.Errorf("a right definition has %v", errs)
	}
	for _, wrong := range []string{`delisted_on`, `delisted_on == 1`, `delisted_on ==`, strings.Repeat(`reason == "" and `, 200) + "true"} {
		def := czDefinition()
		def.ListedWhile = wrong
		if errs := Check(def); len(errs) != 1 || errs[0].Path != "listed_while" {
			t.Errorf("listed_while %.40q gives %v", wrong, errs)
		}
	}
}

// Shuffled rows are the same entries, in every format.
func TestShuffle(t *testing.T) {
	cell := rapid.StringMatching(`[A-Za-zá-ž0-9 .,;"<&'-]{0,12}`)
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 2), 1, 20).Draw(rt, "rows")
		rows = append(rows, []string{"x", "y"}) // at least one that is not blank
		shuffled := slices.Clone(rows)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for _, w := range rowWriters() {
			one, proof := readBodies(t, w.def, register.Health{}, nil, w.write(rows))
			other, _ := readBodies(t, w.def, register.Health{}, nil, w.write(shuffled))
			if !proof.Complete() {
				rt.Fatalf("%s: %s\n%s", w.def.Parse.Format, verdict(proof), w.write(rows))
			}
			if diff := cmp.Diff(identities(one.Entries), identities(other.Entries)); diff != "" {
				rt.Fatalf("%s: %s", w.def.Parse.Format, diff)
			}
			if one.Counts.Repeated != other.Counts.Repeated || one.Counts.Blank != other.Counts.Blank {
				rt.Fatalf("%s: %+v and %+v", w.def.Parse.Format, one.Counts, other.Counts)
			}
		}
	})
}

// Formats agree on what the same rows are.
func TestFormatsAgree(t *testing.T) {
	rows := [][]string{{"Příliš", "a; b"}, {"x \"y\" <z>", ""}, {"A & B", "c"}}
	var want []string
	for _, w := range rowWriters() {
		s, proof := readBodies(t, w.def, register.Health{}, nil, w.write(rows))
		got := identities(s.Entries)
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" || !proof.Complete() {
			t.Errorf("%s, %s: %s", w.def.Parse.Format, verdict(proof), diff)
		}
	}
}

type rowWriter struct {
	def   register.Definition
	write func(rows [][]string) []byte
}

func rowWriters() []rowWriter {
	write := func(head, tail string, row func(a, b string) string) func(rows [][]string) []byte {
		return func(rows [][]string) []byte {
			var b bytes.Buffer
			b.WriteString(head)
			for _, cells := range rows {
				b.WriteString(row(cells[0], cells[1]))
			}
			b.WriteString(tail)
			return b.Bytes()
		}
	}
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	inJSON := definition(register.FormatJSON, ".a", ".b")
	inJSON.Parse.Rows = ".rows[]"
	inText := definition(register.FormatText, "a", "b")
	inText.Parse.Rows = `^(?P<a>[^|]*)\|(?P<b>[^|]*)$`
	rows := 0
	return []rowWriter{
		{definition(register.FormatCSV, "a", "b"), write("a,b\n", "", func(a, b string) string { return quote(a) + "," + quote(b) + "\n" })},
		{inJSON, write(`{"rows":[null`, "]}", func(a, b string) string { rows++; return fmt.Sprintf(`,{"n":%d,"a":%q,"b":%q}`, rows, a, b) })},
		{definition(register.FormatXML, "a", "b"), write("<r>", "</r>", func(a, b string) string {
			return "<e><a>" + html.EscapeString(a) + "</a><b>" + html.EscapeString(b) + "</b></e>"
		})},
		{definition(register.FormatHTML, "A", "B"), write("<html><table><tr><th>A<th>B", "</table></html>", func(a, b string) string {
			return "<tr><td>" + html.EscapeString(a) + "<td>" + html.EscapeString(b)
		})},
		{inText, write("", "", func(a, b string) string { return a + "|" + b + "\n" })},
	}
}

// Whatever comes, a page is read or refused: no panic, no error of ours.
func FuzzRead(f *testing.F) {
	f.Add("a,b\n1,2\n", uint8(0))
	f.Add("<html><title>x</title>", uint8(1))
	f.Add(`{"rows":[{"a":1}]}`, uint8(2))
	f.Add("\xff\xfea\x00", uint8(3))
	f.Fuzz(func(t *testing.T, body string, framing uint8) {
		if strings.Contains(body, "%!") {
			return // a page that is quoted looks like a detail with a wrong verb
		}
		change := []func(*register.Page){nil, closed, cutOff}[framing%3]
		for _, w := range rowWriters() {
			_, proof := readBodies(t, w.def, register.Health{}, change, []byte(body))
			checkOrder(t, proof)
		}
	})
}

func BenchmarkReadCSV(b *testing.B) {
	var body bytes.Buffer
	body.WriteString("a,b,c,d\n")
	for i := range 100_000 {
		fmt.Fprintf(&body, "%d.example.com,name %d,\"some text, quoted\",2025-01-02\n", i, i)
	}
	benchmarkRead(b, definition(register.FormatCSV, "a", "b", "c", "d"), body.Bytes(), 100_000)
}

func BenchmarkReadJSON(b *testing.B) {
	def := definition(register.FormatJSON, ".id", ".name", ".domain", ".reason", ".authority", ".listed_on", ".status")
	def.Parse.Rows = ".data[]"
	body := benchmarkRows(`{"data":[null`, "]}\n",
		`,{"id":%d,"name":"Firm %d, s.r.o.","domain":"%d.example.com","reason":"no licence \u2013 \"§ 84\"","authority":"Ministry","listed_on":"2025-01-%02d","status":"listed"}`+"\n")
	benchmarkRead(b, def, body, benchmarkedRows)
}

func BenchmarkReadXML(b *testing.B) {
	body := benchmarkRows("<register>\n", "</register>\n",
		`<entry id="%d"><name>Firm %d, s.r.o.</name><domain>%d.example.com</domain><reason>no licence &#8211; &quot;§ 84&quot;</reason><authority>Ministry</authority><listed_on>2025-01-%02d</listed_on><status>listed</status></entry>`+"\n")
	benchmarkRead(b, definition(register.FormatXML, "@id", "name", "domain", "reason", "authority", "listed_on", "status"), body, benchmarkedRows)
}

func BenchmarkReadText(b *testing.B) {
	def := definition(register.FormatText, "id", "name", "domain", "reason", "authority", "listed_on", "status")
	def.Parse.Rows = `^(?P<id>\d+) \| (?P<name>[^|]*) \| (?P<domain>\S+) \| (?P<reason>[^|]*) \| (?P<authority>[^|]*) \| (?P<listed_on>\S+) \| (?P<status>\w+)$`
	body := benchmarkRows("", "", "%d | Firm %d, s.r.o. | %d.example.com | no licence – \"§ 84\" | Ministry | 2025-01-%02d | listed\n")
	benchmarkRead(b, def, body, benchmarkedRows)
}

const benchmarkedRows = 20_000

// benchmarkRows writes rows of seven fields, whose form is given.
func benchmarkRows(head, tail, row string) []byte {
	body := bytes.NewBufferString(head)
	for i := range benchmarkedRows {
		fmt.Fprintf(body, row, i, i, i, i%28+1)
	}
	body.WriteString(tail)
	return body.Bytes()
}

func benchmarkRead(b *testing.B, def register.Definition, body []byte, entries int) {
	r := mustReader(b, def)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		s, proof, err := r.Read(b.Context(), []register.Page{{SHA256: "x"}}, func(string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(body)), nil
		}, register.Health{})
		if err != nil || len(s.Entries) != entries {
			b.Fatal(err, len(s.Entries), proof.Failed())
		}
	}
	b.ReportMetric(float64(entries)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
