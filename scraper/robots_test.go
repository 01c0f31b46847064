package scraper

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func TestRobotsRules(t *testing.T) {
	for _, test := range []struct {
		name, text        string
		allowed, disallow []string
	}{
		{"empty", "", []string{"/", "/a?b"}, nil},
		{"all", "User-agent: *\nDisallow: /", []string{"/robots.txt"}, []string{"/", "/a"}},
		{"empty disallow", "User-agent: *\nDisallow:", []string{"/"}, nil},
		{"ours before everyone's", "User-agent: *\nDisallow: /\n\nUser-agent: RegWatch/2.0\nDisallow: /x", []string{"/a"}, []string{"/x", "/xy"}},
		{"other names", "User-agent: regwatcher\nDisallow: /\nUser-agent: reg\nDisallow: /", []string{"/"}, nil},
		{"groups for us are one", "User-agent: regwatch\nDisallow: /a\n\nUser-agent: x\nDisallow: /c\n\nUser-agent: regwatch\nDisallow: /b", []string{"/c"}, []string{"/a", "/b"}},
		{"several agents, one group", "User-agent: x\nUser-agent: regwatch\nCrawl-delay: 1\nDisallow: /a", []string{"/b"}, []string{"/a"}},
		{"a sitemap ends no group", "User-agent: *\nSitemap: http://a.example/s\nDisallow: /a", nil, []string{"/a"}},
		{"rules before any group", "Disallow: /\nUser-agent: x\nDisallow: /", []string{"/"}, nil},
		{"longest wins", "User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c", []string{"/a/b", "/a/b/d"}, []string{"/a", "/a/c", "/a/b/c"}},
		{"allow wins a tie", "User-agent: *\nDisallow: /page\nAllow: /page", []string{"/page"}, nil},
		{"wildcards", "User-agent: *\nDisallow: /*.csv$\nDisallow: /a*b*c", []string{"/x.csv?q", "/x.csvx", "/ab", "/a/c/b"}, []string{"/x.csv", "/d/y.csv", "/abc", "/axxbxxcxx"}},
		{"query", "User-agent: *\nDisallow: /*?print=", []string{"/a?x"}, []string{"/a?print=1"}},
		{"percent-encoding", "User-agent: *\nDisallow: /%7ejoe\nDisallow: /\u0440\nDisallow: /a%3cd\nDisallow: /s-%2A.html\nDisallow: /d$x", []string{"/a"}, []string{"/~joe", "/%7Ejoe/x", "/%D1%80", "/%d1%80x", "/a%3Cd", "/s-*.html", "/d$x"}},
		{"comments, case, space, BOM, CR", "\xef\xbb\xbfUSER-AGENT : * # everyone\r  disallow:/a#b\r\rDisallow:  /c  ", []string{"/b"}, []string{"/a", "/c"}},
		{"binary", "\x00\x01\xff\xfe:::\nUser-agent\n%%%", []string{"/"}, nil},
	} {
		rules := parseRobots([]byte(test.text))
		for path, want := range paths(test.allowed, test.disallow) {
			u, err := url.Parse("http://a.example" + path)
			if err != nil {
				t.Fatal(err)
			}
			if got := rules.allows(u); got != want {
				t.Errorf("%s: %s allowed: %v", test.name, path, got)
			}
		}
	}
}

func paths(allowed, disallowed []string) map[string]bool {
	m := map[string]bool{}
	for _, p := range allowed {
		m[p] = true
	}
	for _, p := range disallowed {
		m[p] = false
	}
	return m
}

func FuzzParseRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /*a$\nCrawl-delay: 2\n", "/xa")
	f.Add("User-agent: regwatch\nAllow: /%7e*\nDisallow: /", "/~joe?q=*")
	f.Fuzz(func(t *testing.T, text, path string) {
		u, err := url.Parse("http://a.example/" + strings.TrimLeft(path, "/"))
		if err != nil {
			return
		}
		rules := parseRobots([]byte(text))
		if rules.crawlDelay < 0 || rules.crawlDelay > time.Hour {
			t.Errorf("crawl delay %v", rules.crawlDelay)
		}
		if !rules.allows(u) && len(rules.rules) == 0 {
			t.Error("disallowed by no rule")
		}
	})
}

func TestRobotsAreObeyed(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/robots.txt": serve("User-agent: *\nDisallow: /private\n"),
		"/private":    serve("name\n"),
		"/public":     serve("name\n"),
		"/hop":        func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/private", http.StatusFound) },
	})
	fetchOK(t, s, own(server.URL+"/public"), register.Validators{})
	for _, path := range []string{"/private", "/hop"} {
		_, failure := fetchFails(t, s, own(server.URL+path), register.ClassBlockedRobots)
		if failure.Hint == "" || !strings.Contains(failure.Error(), "robots.txt") {
			t.Errorf("%s: %v", path, failure)
		}
	}
	if server.asked.Load() != 2 {
		t.Errorf("asked for %d pages, want the public one and the hop", server.asked.Load())
	}
}

func TestRobotsAnswers(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
	}
	// so long that what follows is read as far as "Disallow: /"
	const rule = "User-agent: *\nDisallow: /"
	long := strings.Repeat("#\n", (maxRobotsBytes-len(rule))/2) + strings.Repeat("\n", (maxRobotsBytes-len(rule))%2)
	for _, test := range []struct {
		name   string
		robots http.HandlerFunc
		class  string // empty: the page is fetched
	}{
		{"not there", status(404), ""},
		{"forbidden", status(403), ""},
		{"server error", status(500), register.ClassBlockedRobots},
		{"unavailable", status(503), register.ClassBlockedRobots},
		{"breaks off", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, register.ClassUnreachable},
		{"moved", redirect("/moved-robots"), register.ClassBlockedRobots},
		{"redirect loop", redirect("/robots.txt"), ""},
		{"redirect to a file", redirect("file:///etc/passwd"), register.ClassBlockedAddress},
		{"binary", serve("\x00\xff\xfe\x01"), ""},
		{"a web page", serve("<html><body>Disallow: /</body></html>"), ""},
		{"rule within 500 KiB", serve(long[:len(long)/2] + "\nUser-agent: *\nDisallow: /\n" + long), register.ClassBlockedRobots},
		{"rule cut at 500 KiB", serve(long + rule + "private/and/more\n"), ""},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := io.WriteString(w, long); err != nil {
					return
				}
			}
		}, ""},
		{"compressed unasked", encoded("gzip", zipped([]byte("User-agent: *\nDisallow: /\n"))), register.ClassBlockedRobots},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := newTestScraper(t)
			server := newSite(t, map[string]http.HandlerFunc{
				"/robots.txt": test.robots, "/page": serve("name\n"), "/moved-robots": serve("User-agent: *\nDisallow: /\n"),
			})
			if test.class == "" {
				fetchOK(t, s, own(server.URL+"/page"), register.Validators{})
				return
			}
			fetchFails(t, s, own(server.URL+"/page"), test.class)
		})
	}
}

func TestRobotsAreAskedForOnceADay(t *testing.T) {
	now := time.Now()
	var clock sync.Mutex
	s, _ := newTestScraper(t, func(o *Options) {
		o.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
	})
	var asked atomic.Int64
	var broken atomic.Bool
	server := newSite(t, map[string]http.HandlerFunc{
		"/robots.txt": func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			if broken.Load() {
				w.WriteHeader(http.StatusBadGateway)
			}
		},
		"/page": serve("name\n"),
	})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := s.Fetch(t.Context(), own(server.URL+"/page"), register.Validators{}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	clock.Lock()
	now = now.Add(robotsLifetime)
	clock.Unlock()
	broken.Store(true)
	fetchOK(t, s, own(server.URL+"/page"), register.Validators{}) // the old rules serve while the new ones can not be had
	if asked.Load() == 1 {
		t.Error("not asked again after a day")
	}
}
