package scraper

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
)

// benchRows is how many rows a page of the benchmarks has: enough for every part of
// a table to have some, few enough for a moment.
const benchRows = 100_000

// largePages gives two versions of a page of seven columns, shuffled, of which a
// thousandth of the rows differ.
func largePages() (def register.Definition, older, newer []byte) {
	def = register.Definition{ID: "xx-large", Parse: register.Parse{Format: register.FormatCSV}, Key: []string{"id"}, Fields: []register.Field{
		{Name: "id"},
		{Name: "ip"},
		{Name: "domain", Type: register.TypeDomain},
		{Name: "url"},
		{Name: "authority"},
		{Name: "decision"},
		{Name: "listed_on", Type: register.TypeDate},
	}}
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]string, benchRows)
	for i := range rows {
		rows[i] = fmt.Sprintf("%d,10.0.%d.%d,site-%d.example,https://site-%d.example/p/%d,Роскомнадзор,27-31-2020/Ид%d,2020-01-%02d\n",
			i, i>>8&255, i&255, i, i, i*7, i, 1+i%28)
	}
	page := func() []byte {
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		var b bytes.Buffer
		b.WriteString("id,ip,domain,url,authority,decision,listed_on\n")
		for _, row := range rows {
			b.WriteString(row)
		}
		return b.Bytes()
	}
	older = page()
	for i := range benchRows / 1000 {
		rows[i] = fmt.Sprintf("%d,10.1.1.1,new-%d.example,,Суд,1,2021-01-01\n", benchRows+i, i)
	}
	return def, older, page()
}

// BenchmarkDiffering compares two saved pages by the bytes of their rows.
func BenchmarkDiffering(b *testing.B) {
	def, older, newer := largePages()
	reader, errs := NewReader(def)
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(older) + len(newer)))
	for b.Loop() {
		if _, _, ok, err := reader.Differing(b.Context(), savedOf(older), savedOf(newer)); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkReadByRows reads a page against the index of the one before.
func BenchmarkReadByRows(b *testing.B) {
	def, older, newer := largePages()
	b.Run("csv", func(b *testing.B) { benchmarkReadByRows(b, def, older, newer) })
	def.Parse.Format = register.FormatNDJSON
	for i := range def.Fields {
		def.Fields[i].From = []register.Source{{Name: "." + def.Fields[i].Name}}
	}
	b.Run("ndjson", func(b *testing.B) { benchmarkReadByRows(b, def, linesOfJSON(older), linesOfJSON(newer)) })
}

// linesOfJSON writes a page of CSV without quotes as an object on each line.
func linesOfJSON(page []byte) []byte {
	var b bytes.Buffer
	var header []string
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), ",")
		if header == nil {
			header = cells
			continue
		}
		for i, cell := range cells {
			fmt.Fprintf(&b, `%c%q:%q`, "{,,,,,,"[i], header[i], cell)
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

func benchmarkReadByRows(b *testing.B, def register.Definition, older, newer []byte) {
	reader, errs := NewReader(def)
	if len(errs) > 0 {
		b.Fatal(errs)
	}
	reader.large = 0
	learning := index.New()
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(older)), nil }
	first, _, err := reader.ReadAgainst(b.Context(), []register.Page{savedOf(older).Page}, open, nil, register.Health{}, learning, nil)
	if err != nil {
		b.Fatal(err)
	}
	known, health := learning.Known(), register.Health{Shape: first.Shape}
	b.ReportAllocs()
	b.SetBytes(int64(len(newer)))
	for b.Loop() {
		known.Begin()
		s, _, err := reader.readByRows(b.Context(), savedOf(newer), health, known, nil)
		if err != nil || len(s.Entries) != benchRows/1000 {
			b.Fatal(len(s.Entries), err)
		}
	}
}
