package scraper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/regwatch/regwatch/register"
)

// cases is how many random registers the fast comparison is held against the
// obvious one; more in the script that decides.
func cases() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("REGWATCH_CASES"), 10, 64); err == nil {
		return n
	}
	return 2000
}

// TestDifferingIsTheObviousDifference publishes random registers twice, with
// every nuisance that files have, and reads both: once by the rows that differ,
// once whole.
func TestDifferingIsTheObviousDifference(t *testing.T) {
	fast := 0
	for seed := range cases() {
		p := newPublisher(seed)
		def := p.definition()
		older, newer := p.page(), p.page()
		reader, errs := NewReader(def)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		reader.large = 0
		reader.chunk = 1 + p.rand.IntN(400)
		prev, next, ok, err := reader.Differing(t.Context(), savedOf(older), savedOf(newer))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !ok {
			continue
		}
		fast++
		wholePrev, wholeOld := readWhole(t, reader, older, register.Health{})
		wholeNext, wholeNew := readWhole(t, reader, newer, register.Health{})
		if wholeOld.Failed() != nil || wholeNew.Failed() != nil {
			t.Fatalf("seed %d: read by rows, although whole it says %v, %v\n%s", seed, wholeOld.Failed(), wholeNew.Failed(), p)
		}
		want, have := difference(wholePrev, wholeNext), difference(prev, next)
		if !slices.Equal(want, have) {
			t.Fatalf("seed %d: by rows\n%s\nwhole\n%s\n%s\n--- older\n%q\n--- newer\n%q", seed,
				strings.Join(have, "\n"), strings.Join(want, "\n"), p, older, newer)
		}
	}
	if least := int(cases()) / 3; fast < least {
		t.Errorf("%d of %d registers were read by their rows, want at least %d: the others prove nothing", fast, cases(), least)
	}
}

// difference tells which entries only one of two snapshots has, and what the
// newer one says of their keys: by content, for of rows that are equal but for
// what nobody sees, either may be the one that says so.
func difference(prev, next register.Snapshot) []string {
	var told []string
	keys := map[register.Key]bool{}
	tell := func(mark string, these, those []register.Entry) {
		there := map[register.Hash]bool{}
		for _, e := range those {
			there[e.Identity()] = true
		}
		for _, e := range these {
			if !there[e.Identity()] {
				told = append(told, fmt.Sprintf("%s %s %v", mark, e.Key, e.Fields))
				keys[e.Key] = true
			}
		}
	}
	tell("-", prev.Entries, next.Entries)
	tell("+", next.Entries, prev.Entries)
	var stated []string
	for _, e := range next.Delisted {
		if keys[e.Key] {
			stated = append(stated, fmt.Sprintf("stated %s %s", e.Key, e.Content))
		}
	}
	slices.Sort(stated)
	return append(told, slices.Compact(stated)...)
}

func savedOf(body []byte) Saved {
	page := register.Page{URL: "saved.csv", Bytes: int64(len(body)), Framing: register.FramedFile}
	return Saved{Page: page, Body: bytes.NewReader(body)}
}

func readWhole(t *testing.T, reader *Reader, body []byte, health register.Health) (register.Snapshot, register.Proof) {
	t.Helper()
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	snapshot, proof, err := reader.Read(t.Context(), []register.Page{savedOf(body).Page}, open, health)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot, proof
}

// publisher makes pages of one register.
type publisher struct {
	rand     *rand.Rand
	encoding *charmap.Charmap // nil: UTF-8
	comma    string
	lineEnd  string
	header   bool
	skip     int
	mark     bool // a byte order mark
	delists  bool
	ignores  bool
	text     bool
	lines    bool // of JSON
	lazy     bool // quotes stand anywhere
	nasty    int  // of a hundred cells
	rows     [][]string
}

func newPublisher(seed uint64) *publisher {
	r := rand.New(rand.NewPCG(seed, 17))
	p := &publisher{
		rand: r, comma: pick(r, ",", ";", "\t"), lineEnd: pick(r, "\n", "\n", "\r\n"), header: r.IntN(3) > 0, skip: r.IntN(2) * r.IntN(3),
		encoding: pick(r, nil, nil, charmap.Windows1251, charmap.Windows1250), delists: r.IntN(4) == 0, ignores: r.IntN(4) == 0,
		text: r.IntN(8) == 0, nasty: pick(r, 0, 5, 40),
	}
	p.lines = p.encoding == nil && r.IntN(6) == 0
	p.mark = p.encoding == nil && r.IntN(3) == 0
	p.lazy = r.IntN(6) == 0
	for range r.IntN(40) {
		p.rows = append(p.rows, p.row())
	}
	return p
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (p *publisher) String() string { return fmt.Sprintf("%+v", p.definition().Parse) }

func (p *publisher) definition() register.Definition {
	def := register.Definition{ID: "x", Parse: register.Parse{Format: register.FormatCSV, Delimiter: p.comma, NoHeader: !p.header, Skip: p.skip, Lazy: p.lazy}}
	if p.text {
		def.Parse = register.Parse{Format: register.FormatText, Comment: "#"}
		def.Fields, def.Key = []register.Field{{Name: "line", Type: register.TypeDomain}}, []string{"line"}
		return p.encoded(def)
	}
	if p.lines {
		def.Parse = register.Parse{Format: register.FormatNDJSON}
	}
	for i, field := range []register.Field{
		{Name: "id"},
		{Name: "domain", Type: register.TypeDomain},
		{Name: "name"},
		{Name: "listed", Type: register.TypeDate, Layout: "2.1.2006"},
		{Name: "gone"},
		{Name: "note", Optional: true},
	} {
		field.From = []register.Source{{Name: field.Name}}
		switch {
		case p.lines:
			field.From = []register.Source{{Name: "." + field.Name}}
		case !p.header:
			field.From = []register.Source{{Index: i, ByIndex: true}}
		}
		def.Fields = append(def.Fields, field)
	}
	def.Key = pick(rand.New(rand.NewPCG(uint64(len(p.rows)), 1)), []string{"id"}, []string{"domain", "name"}, []string{"domain"})
	if p.delists {
		def.ListedWhile = `gone == ""`
	}
	if p.ignores {
		def.Ignore = []string{"note"}
	}
	return p.encoded(def)
}

func (p *publisher) encoded(def register.Definition) register.Definition {
	switch p.encoding {
	case charmap.Windows1250:
		def.Fetch.Encoding = "windows-1250"
	case charmap.Windows1251:
		def.Fetch.Encoding = "windows-1251"
	}
	return def
}

// row makes one: of few values, so that keys, contents and cells repeat.
func (p *publisher) row() []string {
	r := p.rand
	date := fmt.Sprintf(pick(r, "%d.%d.2024", "%02d.%02d.2024"), 1+r.IntN(3), 1+r.IntN(3))
	gone := ""
	if r.IntN(5) == 0 {
		gone = "1.1.2025"
	}
	return []string{
		strconv.Itoa(r.IntN(30)), pick(r, "a.com", "A.com", "a.com.", "http://a.com/", "b.org", "c-"+strconv.Itoa(r.IntN(9))+".net"),
		pick(r, "Ivo", "Ivo ", "  Ivo", "Яна", "Café", "x"+strconv.Itoa(r.IntN(9))), date, gone, pick(r, "", "n", "m"),
	}
}

// page publishes the rows as they stand, after some have come, gone, changed and
// moved.
func (p *publisher) page() []byte {
	r := p.rand
	if len(p.rows) > 0 {
		for range r.IntN(4) {
			p.rows[r.IntN(len(p.rows))] = p.row()
		}
		for range r.IntN(3) {
			at := r.IntN(len(p.rows))
			p.rows[at] = slices.Clone(p.rows[at])
			p.rows[at][r.IntN(6)] = p.row()[r.IntN(6)]
		}
		for range r.IntN(3) {
			p.rows = append(p.rows, p.rows[r.IntN(len(p.rows))])
		}
	}
	for range r.IntN(4) {
		p.rows = append(p.rows, p.row())
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(p.rows), func(i, j int) { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] })
	}
	var b bytes.Buffer
	if p.mark {
		b.WriteString("\ufeff")
	}
	if !p.text && !p.lines {
		for i := range p.skip {
			fmt.Fprintf(&b, "as of %d%s", i+r.IntN(9), p.lineEnd)
		}
		if p.header {
			b.WriteString(strings.Join([]string{"id", "domain", "name", "listed", "gone", "note"}, p.comma) + p.lineEnd)
		}
	}
	for _, row := range p.rows {
		p.write(&b, row)
	}
	body := b.Bytes()
	switch r.IntN(12) {
	case 0:
		body = bytes.TrimRight(body, "\r\n")
	case 1:
		body = body[:len(body)-r.IntN(min(len(body), 30)+1)]
	case 2:
		body = append(body, pick(r, "\xff\xfe", "\x00", "\ufffd", "\x1a", "\n\n", "   \n", "\"", p.comma+p.comma+"\n")...)
	}
	return body
}

func (p *publisher) write(b *bytes.Buffer, row []string) {
	r := p.rand
	if p.text {
		b.WriteString(pick(r, "", "", "", "#") + row[1] + p.lineEnd)
		return
	}
	if p.lines {
		p.writeJSON(b, row)
		return
	}
	for i, cell := range row {
		if i > 0 {
			b.WriteString(p.comma)
		}
		if r.IntN(100) < p.nasty {
			cell = pick(r, cell+p.comma, cell+"\n"+cell, cell+`"`+cell, cell+"\r\n", " "+cell, cell, "\u200b"+cell)
		}
		quoted := strings.ContainsAny(cell, p.comma+"\"\r\n") || r.IntN(100) < p.nasty
		if p.encoding != nil {
			cell, _ = p.encoding.NewEncoder().String(strings.Map(func(c rune) rune {
				if _, ok := p.encoding.EncodeRune(c); !ok {
					return '?'
				}
				return c
			}, cell))
		}
		if quoted {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		b.WriteString(cell)
	}
	b.WriteString(p.lineEnd)
	switch r.IntN(60) {
	case 0:
		b.WriteString(p.lineEnd)
	case 1:
		b.WriteString(strings.Repeat(p.comma, 5) + p.lineEnd)
	case 2:
		b.WriteString(`a"b` + p.lineEnd)
	}
}

// writeJSON writes a row as a line of JSON, of which the same value can be spelled
// in many ways.
func (p *publisher) writeJSON(b *bytes.Buffer, row []string) {
	r := p.rand
	var members []string
	for i, name := range []string{"id", "domain", "name", "listed", "gone", "note"} {
		value, err := json.Marshal(row[i])
		if err != nil {
			panic(err)
		}
		text := string(value)
		if r.IntN(100) < p.nasty {
			text = pick(r, text, `null`, `["`+row[i]+`"]`, strings.Replace(text, "a", `\u0061`, 1), `" `+text[1:], `{"x":`+text+`}`)
		}
		if name == "note" && r.IntN(200) < p.nasty {
			continue
		}
		members = append(members, `"`+name+`":`+pick(r, "", "", " ")+text)
	}
	if r.IntN(100) < p.nasty {
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	}
	b.WriteString("{" + strings.Join(members, pick(r, ",", ",", ", ")) + "}" + p.lineEnd)
	switch r.IntN(120) {
	case 0:
		b.WriteString(p.lineEnd)
	case 1:
		b.WriteString(`{"id":"1"` + p.lineEnd)
	case 2:
		b.WriteString(`{"id":"1","more":[]}` + p.lineEnd)
	}
}

// Where quotes may stand anywhere, a line feed between them ends no row, and which ones
// those are only reading tells.
func TestLoosePagesWithQuotesAreReadWhole(t *testing.T) {
	def := register.Definition{
		ID: "x", Parse: register.Parse{Format: register.FormatCSV, Lazy: true}, Key: []string{"id"},
		Fields: []register.Field{{Name: "id", From: []register.Source{{Name: "id"}}}, {Name: "name", From: []register.Source{{Name: "name"}}}},
	}
	reader, wrong := NewReader(def)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	reader.large = 0
	const (
		bare   = "id,name\n1,a\n4,d\n5,e\n6,f\n7,g\n99,z\n"
		quotes = "id,name\n1,a\n3,\"open\n4,d\n5,e\n6,f\n9,close\"\n7,g\n99,z\n"
	)
	for _, c := range []struct {
		older, newer string
		byRows       bool
	}{{bare, bare, true}, {bare, quotes, false}, {quotes, bare, false}, {quotes, quotes, false}} {
		_, _, ok, err := reader.Differing(t.Context(), savedOf([]byte(c.older)), savedOf([]byte(c.newer)))
		if err != nil || ok != c.byRows {
			t.Errorf("%q and %q: by their rows %t, %v, want %t", c.older, c.newer, ok, err, c.byRows)
		}
	}
}
