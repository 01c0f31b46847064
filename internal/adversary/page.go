package adversary

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// Register is how a story publishes its register.
type Register struct {
	Format string // one of csv, json and html
	Key    string // number or name
	Pages  int
}

func newRegister(r *rand.Rand) Register {
	reg := Register{Format: register.FormatCSV, Key: "number", Pages: 1}
	switch r.IntN(6) {
	case 0:
		reg.Format = register.FormatJSON
	case 1:
		reg.Format = register.FormatHTML
	}
	if r.IntN(3) == 0 {
		reg.Key = "name"
	}
	if reg.Format != register.FormatJSON && r.IntN(3) == 0 {
		reg.Pages = 3
	}
	return reg
}

// Definition is how the register is read. The caller adds its URLs, as many as
// Pages.
func (g Register) Definition() register.Definition {
	def := register.Definition{
		ID: "xx-model", Title: "Model", Authority: register.Authority{Name: "Authority", Country: "XX"},
		Parse: register.Parse{Format: g.Format}, Key: []string{g.Key},
	}
	dot := ""
	switch g.Format {
	case register.FormatJSON:
		def.Parse.Rows, def.Expect.Total, dot = ".entries[]", ".total", "."
	case register.FormatHTML:
		def.Parse.Rows = "table tr"
	}
	for i, name := range fieldNames {
		def.Fields = append(def.Fields, register.Field{Name: name, From: []register.Source{{Name: dot + columnNames[i]}}})
	}
	def.Fields[colName].Strip = `\s*\((new|updated)\)$`
	def.Fields[colSites].Type, def.Fields[colSites].Sep = register.TypeList, ","
	def.Fields[colHost].Type = register.TypeDomain
	def.Fields[colDate].Type = register.TypeDate
	return def
}

// identity gives what a row is found again by.
func (g Register) identity(e row) string {
	if g.Key == "name" {
		return e[colName]
	}
	return e[colNumber]
}

// entryRow gives an entry as a row, to be compared with what was published. It
// was kept in the spelling of the day, invisible characters and all.
func entryRow(values register.Values) row {
	var e row
	for i, name := range fieldNames {
		e[i] = register.Normalize(values.Get(name))
	}
	return e
}

// Page is what is published for one tick: one body for each URL.
type Page struct {
	Status      int
	ContentType string
	Bodies      [][]byte
	CutAt       []int // by body: it breaks off there, before its announced end; -1: it does not
	Down        bool  // nobody answers
}

// sheet is a page before it becomes bytes.
type sheet struct {
	header row
	parts  [][]row // by page
	extra  func(int) string
	total  int
}

func (g Register) sheet(rows []row) sheet {
	s := sheet{header: columnNames, total: len(rows)}
	size := (len(rows) + g.Pages - 1) / g.Pages
	for part := range slices.Chunk(rows, max(1, size)) {
		s.parts = append(s.parts, slices.Clone(part))
	}
	for len(s.parts) < g.Pages {
		s.parts = append(s.parts, nil)
	}
	return s
}

// each passes every row through change.
func (s *sheet) each(change func(i int, e row) row) {
	n := 0
	for p := range s.parts {
		for i := range s.parts[p] {
			s.parts[p][i] = change(n, s.parts[p][i])
			n++
		}
	}
}

func (g Register) page(s sheet) Page {
	page := Page{Status: 200, ContentType: map[string]string{
		register.FormatCSV: "text/csv; charset=utf-8", register.FormatJSON: "application/json", register.FormatHTML: "text/html; charset=utf-8",
	}[g.Format]}
	at := 0
	for _, part := range s.parts {
		page.Bodies = append(page.Bodies, g.body(s, part, at))
		page.CutAt = append(page.CutAt, -1)
		at += len(part)
	}
	return page
}

func (g Register) body(s sheet, part []row, at int) []byte {
	table := [][]string{s.header[:]}
	for _, e := range part {
		table = append(table, slices.Clone(e[:]))
	}
	if s.extra != nil {
		table[0] = append(slices.Clone(table[0]), "seen")
		for i := range part {
			table[i+1] = append(table[i+1], s.extra(at+i))
		}
	}
	var b strings.Builder
	switch g.Format {
	case register.FormatJSON:
		entries := []map[string]string{}
		for _, cells := range table[1:] {
			e := map[string]string{}
			for i, cell := range cells {
				e[table[0][i]] = cell
			}
			entries = append(entries, e)
		}
		text, err := json.Marshal(map[string]any{"total": s.total, "entries": entries})
		if err != nil {
			panic(err) // texts always encode
		}
		return text
	case register.FormatHTML:
		b.WriteString("<!doctype html><html><head><title>Register</title></head><body><table>")
		for i, cells := range table {
			b.WriteString("<tr>")
			for _, cell := range cells {
				tag := "td"
				if i == 0 {
					tag = "th"
				}
				fmt.Fprintf(&b, "<%s>%s</%s>", tag, html.EscapeString(cell), tag)
			}
			b.WriteString("</tr>\n")
		}
		b.WriteString("</table></body></html>\n")
	default:
		if err := csv.NewWriter(&b).WriteAll(table); err != nil {
			panic(err) // a builder takes everything
		}
	}
	return []byte(b.String())
}
