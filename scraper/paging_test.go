package scraper

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// linked serves HTML pages that link to each other: path?query → the next href;
// empty: no link.
func linked(t *testing.T, next map[string]string) *site {
	t.Helper()
	return newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, r *http.Request) {
		href, ok := next[r.URL.RawQuery]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<table><tr><td>row of %q</table>", r.URL.RawQuery)
		if href != "" {
			_, _ = fmt.Fprintf(w, `<a rel=next href="%s">next</a> <a rel=next href="/elsewhere">bottom</a>`, href)
		}
	}})
}

func queries(pages []register.Page) string {
	var asked []string
	for _, p := range pages {
		_, query, _ := strings.Cut(p.URL, "?")
		asked = append(asked, query)
	}
	return strings.Join(asked, " ")
}

func TestPagingByNextLink(t *testing.T) {
	for _, test := range []struct {
		name  string
		next  map[string]string
		pages string
		ended string // what the note says; empty: ended by rule
	}{
		{"to the end", map[string]string{"": "/list?p=2", "p=2": "?p=3", "p=3": ""}, " p=2 p=3", ""},
		{"one page", map[string]string{"": ""}, "", ""},
		{"to itself", map[string]string{"": "/list"}, "", "leads back"},
		{"a fragment of itself", map[string]string{"": "/list?p=2", "p=2": "?p=2#top"}, " p=2", "leads back"},
		{"A-B-A", map[string]string{"": "/list?p=2", "p=2": "/list"}, " p=2", "leads back"},
		{"script", map[string]string{"": "javascript:next()"}, "", "can not be followed"},
		{"hash", map[string]string{"": "#"}, "", "can not be followed"},
		{"too many", map[string]string{"": "?p=2", "p=2": "?p=3", "p=3": "?p=4", "p=4": "?p=5", "p=5": ""}, " p=2 p=3 p=4", "fetch.pages.max"},
		{"exactly as many", map[string]string{"": "?p=2", "p=2": "?p=3", "p=3": "?p=4", "p=4": ""}, " p=2 p=3 p=4", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, store := newTestScraper(t)
			server := linked(t, test.next)
			def := own(server.URL + "/list")
			def.Fetch.Pages = &register.Paging{Next: "a[rel=next]", Max: 4}
			fetched := fetchOK(t, s, def, register.Validators{})
			if got := queries(fetched.Pages); got != test.pages {
				t.Errorf("pages %q, want %q", got, test.pages)
			}
			if (fetched.PagingEnded == "") != (test.ended == "") || !strings.Contains(fetched.PagingEnded, test.ended) {
				t.Errorf("ended %q, want %q", fetched.PagingEnded, test.ended)
			}
			if last := fetched.Pages[len(fetched.Pages)-1]; last.PagingEnded != fetched.PagingEnded {
				t.Errorf("the last page says %q", last.PagingEnded)
			}
			if text := store.text(t, fetched.Pages[0].SHA256); !strings.Contains(text, `row of ""`) {
				t.Errorf("archived %q", text)
			}
		})
	}
}

func TestPagingStopsAtRepeatedBytes(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/list":      serve(`<p>the same for ever<a rel=next href="/list/more">`),
		"/list/more": serve(`<p>the same for ever<a rel=next href="/list/more">`),
	})
	def := own(server.URL + "/list")
	def.Fetch.Pages = &register.Paging{Next: "a[rel=next]"}
	fetched := fetchOK(t, s, def, register.Validators{})
	if len(fetched.Pages) != 2 || !strings.Contains(fetched.PagingEnded, "once more") {
		t.Errorf("%d pages, ended %q", len(fetched.Pages), fetched.PagingEnded)
	}
}

func TestPagingFailsWhereAPageFails(t *testing.T) {
	s, _ := newTestScraper(t)
	server := linked(t, map[string]string{"": "/list?p=2", "p=2": "/list?p=3"})
	def := own(server.URL + "/list")
	def.Fetch.Pages = &register.Paging{Next: "a[rel=next]"}
	fetched, failure := fetchFails(t, s, def, register.ClassStatus)
	if len(fetched.Pages) != 3 || !strings.Contains(failure.Where, "p=3") {
		t.Errorf("%d pages, %v", len(fetched.Pages), failure)
	}
}

// A page is bounded before colly parses it for its next link, too: 42 KB can ask
// for 300 MB.
func TestPageOfNextLinksIsBounded(t *testing.T) {
	bold := "<p>"
	for i := range 200 {
		bold += fmt.Sprintf("<b id=%d>", i)
	}
	for class, trick := range map[string]string{register.ClassTooLarge: bold + strings.Repeat("<p>x", 10_000), register.ClassUnreadable: strings.Repeat("<div>", 600)} {
		s, _ := newTestScraper(t)
		s.linksMemory = 64 << 20
		server := newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<table><tr><td>A</table><a rel=next href='/more'>next</a>"+trick)
		}})
		def := own(server.URL + "/list")
		def.Parse.Format = register.FormatHTML
		def.Fetch.Pages = &register.Paging{Next: "a[rel=next]"}
		fetched, failure := fetchFails(t, s, def, class)
		if failure.Where != server.URL+"/list" || failure.Hint == "" || len(fetched.Pages) != 1 || fetched.Pages[0].SHA256 == "" {
			t.Errorf("%+v, %+v", failure, fetched.Pages)
		}
	}
}

// A next link is found by its text in the page's own encoding, in an element
// around it, and whatever type the server gives the page.
func TestNextLinkInAnotherEncoding(t *testing.T) {
	s, store := newTestScraper(t)
	const first = "<p>Se\x9at\xfdv<ul><li class=n>Dal\x9a\xed <a href=second>2</a></ul>" // windows-1250
	server := newSite(t, map[string]http.HandlerFunc{
		"/dir/first": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, first)
		},
		"/dir/second": serve("<p>end"),
	})
	def := own(server.URL + "/dir/first")
	def.Fetch.Encoding = "windows-1250"
	def.Fetch.Pages = &register.Paging{Next: `li.n:contains("Další")`}
	fetched := fetchOK(t, s, def, register.Validators{})
	if len(fetched.Pages) != 2 || fetched.PagingEnded != "" {
		t.Fatalf("%d pages, ended %q", len(fetched.Pages), fetched.PagingEnded)
	}
	if got := store.text(t, fetched.Pages[0].SHA256); got != first {
		t.Errorf("archived %q", got)
	}
}

func TestCutPageDoesNotEndPaging(t *testing.T) {
	s, _ := newTestScraper(t)
	def := own(raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nContent-Type: text/html\r\n\r\n<p>row"))
	def.Fetch.Pages = &register.Paging{Next: "a[rel=next]"}
	if fetched := fetchOK(t, s, def, register.Validators{}); !strings.Contains(fetched.PagingEnded, "cut") {
		t.Errorf("ended %q", fetched.PagingEnded)
	}
}

func TestPagingByNumber(t *testing.T) {
	rows := func(n int) string { return fmt.Sprintf("name\nrow %d\n", n) }
	for _, test := range []struct {
		name   string
		paging register.Paging
		page   func(n string) (int, string)
		pages  string
		ended  string
	}{
		{"until there are no rows", register.Paging{Param: "page", From: 1}, func(n string) (int, string) {
			return 200, map[string]string{"1": rows(1), "2": rows(2), "3": "name\n"}[n]
		}, "a=b&page=1 a=b&page=2", ""},
		{"until there is nothing in the rows", register.Paging{Param: "page", From: 1}, func(n string) (int, string) {
			return 200, map[string]string{"1": rows(1), "2": rows(2)}[n] + map[bool]string{true: "name,x\n\" \"," + n + "\n"}[n > "2"]
		}, "a=b&page=1 a=b&page=2", ""},
		{"until the last repeats", register.Paging{Param: "page", From: 1}, func(n string) (int, string) {
			return 200, map[string]string{"1": rows(1)}[n] + map[bool]string{true: rows(2)}[n != "1"]
		}, "a=b&page=1 a=b&page=2", ""},
		{"until there is no page", register.Paging{Param: "page", From: 0, Step: 20}, func(n string) (int, string) {
			return map[string]int{"0": 200, "20": 200, "40": 404, "60": 404}[n], rows(len(n))
		}, "a=b&page=0 a=b&page=20", ""},
		{"too many", register.Paging{Param: "page", From: 1, Max: 3}, func(n string) (int, string) {
			return 200, "name\nrow " + n + "\n"
		}, "a=b&page=1 a=b&page=2 a=b&page=3", "fetch.pages.max"},
		{"nothing at all", register.Paging{Param: "page", From: 1}, func(string) (int, string) { return 200, "name\n" }, "a=b&page=1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newTestScraper(t)
			server := newSite(t, map[string]http.HandlerFunc{"/list": func(w http.ResponseWriter, r *http.Request) {
				status, body := test.page(r.URL.Query().Get("page"))
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			}})
			def := own(server.URL + "/list?page=99&a=b")
			def.Fetch.Pages = &test.paging
			fetched := fetchOK(t, s, def, register.Validators{})
			if got := queries(fetched.Pages); got != test.pages {
				t.Errorf("pages %q, want %q", got, test.pages)
			}
			if (fetched.PagingEnded == "") != (test.ended == "") || !strings.Contains(fetched.PagingEnded, test.ended) {
				t.Errorf("ended %q, want %q", fetched.PagingEnded, test.ended)
			}
		})
	}
}

func TestFirstPageMustBeThere(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, nil)
	def := own(server.URL + "/list")
	def.Fetch.Pages = &register.Paging{Param: "page"}
	fetchFails(t, s, def, register.ClassStatus)
}

func TestSeveralURLsAreFetchedInOrder(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.RawQuery) }})
	def := own(server.URL+"/?b", server.URL+"/?a", server.URL+"/?c")
	fetched := fetchOK(t, s, def, register.Validators{})
	if got := queries(fetched.Pages); got != "b a c" {
		t.Errorf("pages %q", got)
	}
	if v := fetched.Validators; len(v.SHA256) != 3 || v.ETag != "" || v.URL != "" {
		t.Errorf("validators %+v", v)
	}
	if again := fetchOK(t, s, def, fetched.Validators); !again.NotModified {
		t.Error("the same bytes are not taken for unchanged")
	}
}

func TestBadNextSelectorIsAnError(t *testing.T) {
	s, _ := newTestScraper(t)
	def := own("http://127.0.0.1:1/")
	def.Fetch.Pages = &register.Paging{Next: "a[rel="}
	if _, err := s.Fetch(t.Context(), def, register.Validators{}, nil); register.ClassOf(err) != register.ClassInternal || !strings.Contains(err.Error(), "fetch.pages.next") {
		t.Errorf("error %v", err)
	}
}

func TestWithParam(t *testing.T) {
	for _, test := range [][2]string{
		{"http://a.example/x", "http://a.example/x?page=2"},
		{"http://a.example/x?page=1", "http://a.example/x?page=2"},
		{"http://a.example/x?z=1&page=1&a=%20b", "http://a.example/x?z=1&a=%20b&page=2"},
		{"http://a.example/x?pages=1&", "http://a.example/x?pages=1&page=2"},
	} {
		if got := withParam(test[0], "page", "2"); got != test[1] {
			t.Errorf("%s: %s, want %s", test[0], got, test[1])
		}
	}
}
