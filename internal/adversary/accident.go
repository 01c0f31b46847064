package adversary

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"

	"github.com/regwatch/regwatch/register"
)

// trait is what an accident does to a page, as far as the rules treat it so.
type trait uint

const (
	few     trait = 1 << iota // hides a few entries: below every threshold, so for one tick
	strange                   // shows entries that never were
	alien                     // shows nothing else
	cut                       // hides most entries
	old                       // shows an earlier page
)

// distortion is an accident that makes a whole page say what is not so. It stays
// for some ticks, as a broken file does until the next one is written.
type distortion struct {
	name   string
	traits trait
	apply  func(r *rand.Rand, p *play, rows []row) []row // nil: it can not happen now
}

var distortions = []distortion{
	{"out for one fetch", few, func(r *rand.Rand, _ *play, rows []row) []row {
		for range 1 + r.IntN(3) {
			at := r.IntN(len(rows))
			rows = slices.Delete(rows, at, at+1)
		}
		return rows
	}},
	{"cut at a round number", cut, func(_ *rand.Rand, _ *play, rows []row) []row { return rows[:len(rows)*6/10/5*5] }},
	{"list numbers in the names", 0, func(_ *rand.Rand, _ *play, rows []row) []row {
		for i := range rows {
			rows[i][colName] = fmt.Sprintf("%d. %s", i+1, rows[i][colName])
		}
		return rows
	}},
	{"dates as serial numbers", 0, func(_ *rand.Rand, _ *play, rows []row) []row {
		for i := range rows {
			if date, err := time.Parse(time.DateOnly, rows[i][colDate]); err == nil {
				rows[i][colDate] = strconv.Itoa(int(date.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour)))
			}
		}
		return rows
	}},
	{"an emptied column", 0, func(_ *rand.Rand, _ *play, rows []row) []row {
		for i := range rows {
			rows[i][colReason] = ""
		}
		return rows
	}},
	{"a twelfth swapped", strange, func(r *rand.Rand, p *play, rows []row) []row {
		n := max(6, len(rows)/12) // fewer than six vanish from any register
		for i := range min(n, len(rows)) {
			rows[i] = p.truth.entry(r, "Cizí")
		}
		return rows
	}},
	{"another register's rows", strange | alien, func(r *rand.Rand, p *play, _ []row) []row {
		rows := make([]row, 5+r.IntN(60))
		for i := range rows {
			rows[i] = p.truth.entry(r, "Cizí")
		}
		return rows
	}},
	{"an older file", old, func(r *rand.Rand, p *play, _ []row) []row {
		earlier := p.shown[len(p.shown)-1-r.IntN(min(20, len(p.shown)))]
		if contentsOf(earlier).equal(contentsOf(p.shown[len(p.shown)-1])) {
			return nil // a page that was not renewed is no older one
		}
		return slices.Clone(earlier)
	}},
}

// disguise is what happens to a page that goes on saying the same.
type disguise struct {
	name  string
	apply func(r *rand.Rand, s *sheet)
}

var disguises = []disguise{
	{"rows shuffled", func(r *rand.Rand, s *sheet) {
		for _, part := range s.parts {
			r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
	}},
	{"decorated", func(r *rand.Rand, s *sheet) {
		s.each(func(_ int, e row) row {
			if r.IntN(3) == 0 {
				e[colName] += []string{" (new)", " (updated)"}[r.IntN(2)]
			}
			return e
		})
	}},
	{"domains reordered", func(_ *rand.Rand, s *sheet) {
		s.each(func(_ int, e row) row {
			sites := strings.Split(e[colSites], ",")
			slices.Reverse(sites)
			e[colSites] = strings.Join(sites, ", ")
			return e
		})
	}},
	{"punycode", func(_ *rand.Rand, s *sheet) {
		s.each(func(_ int, e row) row {
			if ascii, err := idna.ToASCII(e[colHost]); err == nil {
				e[colHost] = strings.ToUpper(ascii)
			}
			return e
		})
	}},
	{"U+200B", func(r *rand.Rand, s *sheet) {
		s.each(func(_ int, e row) row {
			at := r.IntN(len(e[colReason]) + 1)
			for at < len(e[colReason]) && e[colReason][at]&0xC0 == 0x80 {
				at++
			}
			e[colReason] = e[colReason][:at] + "\u200b" + e[colReason][at:]
			return e
		})
	}},
	{"a column with a clock", func(r *rand.Rand, s *sheet) {
		clock := r.IntN(1e6)
		s.extra = func(i int) string { return strconv.Itoa(clock + i) }
	}},
}

// effect is what a breakage must come to.
type effect int

const (
	fails  effect = iota // nothing can be said of the register
	lacks                // it is not complete
	either               // complete or not, it says nothing that is not so
)

// breakage is an accident by which a page is not whole, or no page at all.
type breakage struct {
	name   string
	effect effect
	only   func(Register) bool
	sheet  func(r *rand.Rand, s *sheet)
	page   func(r *rand.Rand, p *Page)
}

func notJSON(g Register) bool { return g.Format != register.FormatJSON }
func isCSV(g Register) bool   { return g.Format == register.FormatCSV }
func paged(g Register) bool   { return g.Pages > 1 }

var breakages = []breakage{
	{name: "captcha", effect: fails, page: instead("text/html", "<!doctype html><html><head><title>Just a moment...</title></head><body>Are you human?</body></html>")},
	{name: "maintenance", effect: fails, page: instead("text/html", "<!doctype html><html><head><title>Odstávka systému</title></head><body><p>Back soon</p></body></html>")},
	{name: "an error in JSON", effect: fails, page: instead("application/json", `{"error":"too many requests"}`)},
	{name: "empty", effect: fails, page: instead("text/plain", "")},
	{name: "header only", effect: fails, only: notJSON, sheet: func(_ *rand.Rand, s *sheet) { s.parts = make([][]row, len(s.parts)) }},
	{name: "server error", effect: fails, page: func(_ *rand.Rand, p *Page) { p.Status = 500 }},
	{name: "silence", effect: fails, page: func(_ *rand.Rand, p *Page) { p.Down = true }},
	{name: "header renamed", effect: fails, sheet: func(r *rand.Rand, s *sheet) { s.header[r.IntN(len(s.header))] = "other" }},
	{name: "windows-1250 as UTF-8", effect: fails, only: isCSV, page: func(_ *rand.Rand, p *Page) {
		for i := range p.Bodies {
			if text, err := encoding.ReplaceUnsupported(charmap.Windows1250.NewEncoder()).Bytes(p.Bodies[i]); err == nil {
				p.Bodies[i] = text
			}
		}
	}},
	{name: "cut mid-line", effect: lacks, page: func(r *rand.Rand, p *Page) {
		at := r.IntN(len(p.Bodies))
		p.CutAt[at] = 1 + r.IntN(len(p.Bodies[at])-1)
	}},
	{name: "cut, and nobody says so", effect: lacks, page: func(r *rand.Rand, p *Page) {
		last := len(p.Bodies) - 1
		body := p.Bodies[last]
		p.Bodies[last] = body[:len(body)*6/10+r.IntN(len(body)*3/10)]
		if strings.HasSuffix(string(p.Bodies[last]), "\n") {
			p.Bodies[last] = body[:len(p.Bodies[last])-1]
		}
	}, only: isCSV},
	{name: "rows repeated", effect: either, sheet: func(_ *rand.Rand, s *sheet) {
		for i := range s.parts {
			s.parts[i] = slices.Concat(s.parts[i], s.parts[i])
		}
	}},
	{name: "a page repeated", effect: lacks, only: paged, sheet: func(_ *rand.Rand, s *sheet) { s.parts[1] = slices.Clone(s.parts[0]) }},
	{name: "an empty page", effect: lacks, only: paged, sheet: func(r *rand.Rand, s *sheet) { s.parts[r.IntN(len(s.parts))] = nil }},
	{name: "another total", effect: lacks, only: func(g Register) bool { return g.Format == register.FormatJSON }, sheet: func(_ *rand.Rand, s *sheet) { s.total++ }},
}

// instead puts a text in the place of every page.
func instead(contentType, text string) func(*rand.Rand, *Page) {
	return func(_ *rand.Rand, p *Page) {
		p.ContentType = contentType
		for i := range p.Bodies {
			p.Bodies[i] = []byte(text)
		}
	}
}
