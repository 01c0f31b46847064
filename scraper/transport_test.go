package scraper

import (
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
)

func TestRedirectsAreFollowedAndNoted(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/old": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/older?x=1", http.StatusMovedPermanently)
		},
		"/older":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "new.csv", http.StatusFound) },
		"/new.csv": serve("name\nA\n"),
	})
	page := fetchOK(t, s, own(server.URL+"/old"), register.Validators{}).Pages[0]
	if page.URL != server.URL+"/old" || page.FinalURL != server.URL+"/new.csv" || page.Status != 200 {
		t.Errorf("page %+v", page)
	}
}

// Where redirects in a circle use up the turns of a host before there are too
// many of them, the redirects are named, and not the rate limit alone.
func TestRedirectsThatUseUpTheTimeAreNamed(t *testing.T) {
	s, _ := newTestScraper(t, func(o *Options) { o.HostRate = 0.01 })
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/?again", http.StatusFound)
	}})
	def := own(server.URL + "/")
	def.Fetch.Timeout = 30 * time.Second
	_, failure := fetchFails(t, s, def, register.ClassTooSlow)
	want := fmt.Sprintf("redirects until then: 2, from %s/ to %s/?again", server.URL, server.URL)
	if !strings.Contains(failure.Error(), want) || !strings.Contains(failure.Hint, "circle") {
		t.Errorf("%v (%s), want %s", failure, failure.Hint, want)
	}
}

func TestRedirectsToWhereNothingMayGo(t *testing.T) {
	for _, target := range []string{
		"file:///etc/passwd", "gopher://127.0.0.1:70/", "data:text/csv,name", "ftp://127.0.0.1/", "http://user@127.0.0.1/",
		"http://0x7f000001/", "http://2130706433/", "http://127.1/", `http:\\127.0.0.1\`, "http://127.0.0.1/%00", "http://\uff11\uff12\uff17.0.0.1/",
		"http://example.org/" + strings.Repeat("a", 64<<10), "http://[::1", "http://0.0.0.0/",
	} {
		s, _ := newTestScraper(t)
		server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = []string{target}
			w.WriteHeader(http.StatusFound)
		}})
		_, failure := fetchFails(t, s, own(server.URL+"/"), register.ClassBlockedAddress)
		if len(failure.Error()) > 1000 {
			t.Errorf("a message of %d bytes", len(failure.Error()))
		}
	}
}

// The public page of a guarded definition is played by a transport, because no
// test server has a public address; where it leads is dialed for real.
func TestGuardedFetchIsNotLedInside(t *testing.T) {
	var reached atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:7f00:1]", "localhost", "169.254.169.254", "100.64.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"} {
		s, _ := newTestScraper(t)
		def := own("http://" + host + port + "/")
		def.Fetch.AllowPrivate = false
		_, failure := fetchFails(t, s, def, register.ClassBlockedAddress)
		if !strings.Contains(failure.Error(), "fetch.allow_private: true") {
			t.Errorf("%q does not say what to do", failure)
		}

		f := s.newFetching(own("http://public.example/"), register.Validators{}, nil)
		f.transport.net = publicSite{to: "http://" + host + port + "/", beyond: s.guarded.Transport()}
		if err := f.all(t.Context()); register.ClassOf(err) != register.ClassBlockedAddress {
			t.Errorf("redirect to %s: %v", host, err)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests arrived inside", reached.Load())
	}
}

// publicSite redirects from public.example, and sends the rest on.
type publicSite struct {
	to     string
	beyond http.RoundTripper
}

func (p publicSite) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Hostname() != "public.example" {
		return p.beyond.RoundTrip(req)
	}
	res := &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req}
	if req.URL.Path != "/robots.txt" {
		res.StatusCode = http.StatusTemporaryRedirect
		res.Header.Set("Location", p.to)
	}
	return res, nil
}

func TestPrivateAddressesAreBlockedByDefault(t *testing.T) {
	server := newSite(t, map[string]http.HandlerFunc{"/": serve("name\n")})
	s, _ := newTestScraper(t)
	def := own(server.URL + "/")
	def.Fetch.AllowPrivate = false
	fetchFails(t, s, def, register.ClassBlockedAddress)
	if server.asked.Load() != 0 {
		t.Error("the page was asked for")
	}
	fetchOK(t, s, own(server.URL+"/"), register.Validators{}) // what the guard refused does not stay in the robots cache
}

func TestRedirectLoopEnds(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }})
	_, failure := fetchFails(t, s, own(server.URL+"/"), register.ClassStatus)
	if server.asked.Load() != 1+maxRedirects || !strings.Contains(failure.Error(), "5 redirects") {
		t.Errorf("asked %d times: %v", server.asked.Load(), failure)
	}
}

func TestSecretsStayWithTheirHost(t *testing.T) {
	s, store := newTestScraper(t)
	other := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Header.Get("X-Api-Key"), r.Header.Get("Authorization"), r.Header.Get("Accept-Language"))
	}})
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/", http.StatusFound) }})
	def := own(server.URL + "/")
	def.Fetch.Headers = map[string]string{"X-Api-Key": "k", "Authorization": "a", "Accept-Language": "cs"}
	page := fetchOK(t, s, def, register.Validators{}).Pages[0]
	if got := store.text(t, page.SHA256); got != "cs" {
		t.Errorf("the other host got %q", got)
	}
}

func TestOddURLsAreNotAskedFor(t *testing.T) {
	s, _ := newTestScraper(t)
	for _, url := range []string{"file:///etc/passwd", "ftp://example.org/a", "http://0x7f.1/", `http:\\example.org`, "http://user:pw@example.org/", "http://example.org/\r\nX: y"} {
		fetchFails(t, s, own(url), register.ClassBlockedAddress)
	}
	if _, err := s.Fetch(t.Context(), own(), register.Validators{}, nil); register.ClassOf(err) != register.ClassInternal {
		t.Errorf("no URL: %v", err)
	}
}

func TestHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, r.Proto+"\n")
		w.(http.Flusher).Flush()
		if r.URL.Path == "/cut" {
			panic(http.ErrAbortHandler)
		}
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = silentLog()
	server.StartTLS()
	defer server.Close()
	trusting := safenet.New(safenet.Options{AllowPrivate: true})
	trusting.Transport().TLSClientConfig.RootCAs = x509.NewCertPool()
	trusting.Transport().TLSClientConfig.RootCAs.AddCert(server.Certificate())
	s, store := newTestScraper(t, func(o *Options) { o.PrivateNet = trusting })
	page := fetchOK(t, s, own(server.URL+"/"), register.Validators{}).Pages[0]
	if got := store.text(t, page.SHA256); got != "HTTP/2.0\n" || page.Framing != register.FramedChunks {
		t.Errorf("%q, framing %q", got, page.Framing)
	}
	if page := fetchOK(t, s, own(server.URL+"/cut"), register.Validators{}).Pages[0]; page.Framing != register.FramedCut {
		t.Errorf("a reset stream has framing %q", page.Framing)
	}
}
