package scraper

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// moving serves CSV pages by number; list gives the rows at each request, so
// that they can move while they are read.
func moving(t *testing.T, size int, list func(request int) []string) *site {
	t.Helper()
	var requests atomic.Int64
	return newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, r *http.Request) {
		rows := list(int(requests.Add(1)))
		var page int
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		start := min(len(rows), (page-1)*size)
		_, _ = io.WriteString(w, strings.Join(append([]string{"name"}, rows[start:min(len(rows), start+size)]...), "\n")+"\n")
	}})
}

func numberedList(server *site) register.Definition {
	def := own(server.URL + "/list")
	def.Fetch.Pages = &register.Paging{Param: "page", From: 1, Max: 20}
	return def
}

// What moves while the pages are read is asked for once more, and then doubted.
func TestDrift(t *testing.T) {
	list := func(n int) []string { return strings.Split("a b c d e f", " ")[:n] }
	for _, c := range []struct {
		name  string
		rows  func(request int) []string
		again string // why it was crawled a second time
		drift string // what was left then
		pages int
	}{
		{"nothing moves", func(int) []string { return list(6) }, "", "", 3},
		{"a new entry on the first page, once", func(n int) []string {
			if n == 1 {
				return list(6)
			}
			return append([]string{"new"}, list(6)...)
		}, "the first page held other rows", "", 4},
		{"a new first page for each request", func(n int) []string { return append([]string{fmt.Sprint("new", n)}, list(5)...) }, "the first page held other rows", "the first page held other rows", 3},
		{"a page that is empty once", func(n int) []string {
			if n == 2 {
				return nil
			}
			return list(6)
		}, "", "", 3},
		{"the last page is empty once", func(n int) []string {
			if n == 3 {
				return list(4)
			}
			return list(6)
		}, "", "", 3},
		{"a page that is empty twice", func(n int) []string {
			if n == 2 || n == 3 {
				return nil
			}
			return list(6)
		}, "page 2 holds no rows of its own, and page 3 does", "", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := newTestScraper(t)
			fetched := fetchOK(t, s, numberedList(moving(t, 2, c.rows)), register.Validators{})
			first, last := fetched.Pages[0], fetched.Pages[len(fetched.Pages)-1]
			if len(fetched.Pages) != c.pages || !strings.HasPrefix(first.CrawledAgain, c.again) || (first.CrawledAgain == "") != (c.again == "") {
				t.Errorf("%d pages, crawled again: %q", len(fetched.Pages), first.CrawledAgain)
			}
			if !strings.HasPrefix(last.Drift, c.drift) || (last.Drift == "") != (c.drift == "") || (fetched.PagingEnded == "") != (c.drift == "") {
				t.Errorf("drift: %q, ended %q", last.Drift, fetched.PagingEnded)
			}
		})
	}
}

// A clock on every page is no drift.
func TestClockIsNoDrift(t *testing.T) {
	s, _ := newTestScraper(t)
	var clock atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, r *http.Request) {
		page := r.URL.Query().Get("page")
		_, _ = fmt.Fprintf(w, "name,at\nrow %s,%d\n", strings.TrimLeft(page, "3456789"), clock.Add(1)) // behind the second: the same for ever
	}})
	fetched := fetchOK(t, s, numberedList(server), register.Validators{})
	if len(fetched.Pages) != 3 || fetched.Pages[0].CrawledAgain != "" || fetched.PagingEnded != "" {
		t.Errorf("%d pages, %+v", len(fetched.Pages), fetched.Pages[0])
	}
}

// A second crawl that fails leaves what the first one brought.
func TestSecondCrawlFails(t *testing.T) {
	s, _ := newTestScraper(t)
	var requests atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, r *http.Request) {
		switch n := requests.Add(1); {
		case n > 5:
			http.NotFound(w, r)
		case r.URL.RawQuery == "page=1", r.URL.RawQuery == "page=2":
			_, _ = fmt.Fprintf(w, "name\n%s %d\n", r.URL.RawQuery, n)
		default:
			_, _ = io.WriteString(w, "name\n")
		}
	}})
	fetched := fetchOK(t, s, numberedList(server), register.Validators{})
	last := fetched.Pages[len(fetched.Pages)-1]
	if len(fetched.Pages) != 2 || !strings.Contains(last.Drift, "404") || fetched.PagingEnded == "" {
		t.Errorf("%d pages, drift %q", len(fetched.Pages), last.Drift)
	}
}

func TestTotalThatMovesIsCrawledAgain(t *testing.T) {
	s, _ := newTestScraper(t)
	var requests atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, r *http.Request) {
		total, rows := 2, ""
		if requests.Add(1) == 2 {
			total = 3
		}
		if n := r.URL.Query().Get("page"); n < "3" {
			rows = fmt.Sprintf(`{"name":"row %s"}`, n)
		}
		_, _ = fmt.Fprintf(w, `{"total":%d,"rows":[%s]}`, total, rows)
	}})
	def := numberedList(server)
	def.Parse = register.Parse{Format: register.FormatJSON, Rows: ".rows[]"}
	def.Fields[0].From = from(".name")
	def.Expect.Total = ".total"
	fetched := fetchOK(t, s, def, register.Validators{})
	if again := fetched.Pages[0].CrawledAgain; !strings.Contains(again, "total went from 2 to 3") || fetched.PagingEnded != "" {
		t.Errorf("crawled again: %q, ended %q", again, fetched.PagingEnded)
	}
}
