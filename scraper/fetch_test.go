package scraper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/archive"
	"github.com/regwatch/regwatch/register"
)

// testArchive is how the application joins archive and scraper.
type testArchive struct{ *archive.Archive }

func (a testArchive) Create(ctx context.Context) (Body, error) { return a.Archive.Create(ctx) }

// text reads an archived body.
func (a testArchive) text(t testing.TB, sha256 string) string {
	t.Helper()
	body, err := a.Open(sha256)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// newTestScraper gives a scraper that waits for nobody.
func newTestScraper(t testing.TB, change ...func(*Options)) (*Scraper, testArchive) {
	t.Helper()
	store, err := archive.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Archive: testArchive{store}, Version: "1.2", Contact: "ops@example.org", HostRate: 100000, RetryBase: time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	s := New(o)
	t.Cleanup(func() { s.Close(); store.Close() })
	return s, testArchive{store}
}

// site serves pages, and nothing as robots.txt unless it is among them. It
// counts what is asked for besides robots.txt.
type site struct {
	*httptest.Server
	asked atomic.Int64
}

func newSite(t testing.TB, pages map[string]http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if r.URL.Path != "/robots.txt" {
			s.asked.Add(1)
		}
		page(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func serve(content string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }
}

// own is a definition of one's own for these URLs.
func own(urls ...string) register.Definition {
	return register.Definition{
		ID:    "xx-test",
		Fetch: register.Fetch{URLs: urls, AllowPrivate: true},
		Parse: register.Parse{Format: register.FormatCSV}, Key: []string{"name"},
		Fields: []register.Field{{Name: "name", From: []register.Source{{Name: "name"}}}},
	}
}

// fetchOK fetches and fails the test on an error.
func fetchOK(t testing.TB, s *Scraper, def register.Definition, v register.Validators) Fetched {
	t.Helper()
	fetched, err := s.Fetch(t.Context(), def, v, nil)
	if err != nil {
		t.Fatalf("fetch: %v", err)
	}
	return fetched
}

// fetchFails fetches and wants a failure of that class.
func fetchFails(t testing.TB, s *Scraper, def register.Definition, class string) (Fetched, *register.Failure) {
	t.Helper()
	fetched, err := s.Fetch(t.Context(), def, register.Validators{}, nil)
	failure, ok := errors.AsType[*register.Failure](err)
	if !ok || failure.Class != class {
		t.Fatalf("error %v (class %s), want class %s", err, register.ClassOf(err), class)
	}
	if failure.Where == "" {
		t.Errorf("%q names no URL", failure)
	}
	return fetched, failure
}

func TestFetchKeepsBytesAndCircumstances(t *testing.T) {
	s, store := newTestScraper(t)
	// "Žalář" in windows-1250: colly would make UTF-8 of it
	const content = "n\xe1zev\r\n\x8eal\xe1\xf8\r\n"
	var agent, encoding string
	server := newSite(t, map[string]http.HandlerFunc{"/a.csv": func(w http.ResponseWriter, r *http.Request) {
		agent, encoding = r.UserAgent(), r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Type", "text/csv; charset=windows-1250")
		w.Header().Set("Last-Modified", "Tue, 23 Dec 2025 02:27:29 GMT")
		w.Header().Set("Set-Cookie", "session=secret")
		_, _ = io.WriteString(w, content)
	}})
	def := own(server.URL + "/a.csv")
	def.Fetch.Headers = map[string]string{"X-Api-Token": "hidden", "Accept-Language": "cs"}
	fetched := fetchOK(t, s, def, register.Validators{})
	if len(fetched.Pages) != 1 {
		t.Fatalf("%d pages", len(fetched.Pages))
	}
	page := fetched.Pages[0]
	if got := store.text(t, page.SHA256); got != content || page.Bytes != int64(len(content)) {
		t.Errorf("archived %q (%d bytes)", got, page.Bytes)
	}
	if page.Framing != register.FramedLength || !page.EndsWithNewline || page.Status != 200 || page.Attempts != 1 || page.Method != http.MethodGet || page.FinalURL != "" {
		t.Errorf("page %+v", page)
	}
	if agent != "regwatch/1.2 (+ops@example.org)" || encoding != "gzip" {
		t.Errorf("sent User-Agent %q, Accept-Encoding %q", agent, encoding)
	}
	if page.RequestHeader.Get("Accept-Language") != "cs" || page.RequestHeader.Get("User-Agent") != agent {
		t.Errorf("request header %v", page.RequestHeader)
	}
	if kept := fmt.Sprint(page); strings.Contains(kept, "secret") || strings.Contains(kept, "hidden") {
		t.Errorf("a secret is kept: %s", kept)
	}
	if want := time.Date(2025, 12, 23, 2, 27, 29, 0, time.UTC); fetched.PublishedAt == nil || !fetched.PublishedAt.Equal(want) {
		t.Errorf("published at %v, want %v", fetched.PublishedAt, want)
	}
	if fetched.ObservedAt != page.FetchedAt || fetched.NotModified || fetched.PagingEnded != "" {
		t.Errorf("fetched %+v", fetched)
	}
}

// raw serves bytes as they are, then closes the connection.
func raw(t testing.TB, responses ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for asked := 0; ; {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			n, _ := conn.Read(buffer)
			if strings.HasPrefix(string(buffer[:n]), "GET /robots.txt") {
				_, _ = io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			} else {
				_, _ = io.WriteString(conn, responses[min(asked, len(responses)-1)])
				asked++
			}
			conn.Close()
		}
	})
	t.Cleanup(func() { listener.Close(); group.Wait() })
	return "http://" + listener.Addr().String() + "/page"
}

func TestUnreachable(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, nil)
	server.Close()
	fetched, _ := fetchFails(t, s, own(server.URL+"/"), register.ClassUnreachable)
	if len(fetched.Pages) != 0 {
		t.Errorf("pages %+v", fetched.Pages)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(serve("x"))
	server.Config.ErrorLog = silentLog()
	var connections atomic.Int64
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	s, _ := newTestScraper(t)
	_, failure := fetchFails(t, s, own(server.URL+"/"), register.ClassUnreachable)
	if connections.Load() != 1 {
		t.Errorf("it was tried %d times: a certificate does not get better in a second", connections.Load())
	}
	if !strings.Contains(failure.Hint, "certificate") {
		t.Errorf("hint %q", failure.Hint)
	}
}

func TestPostForms(t *testing.T) {
	s, store := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Content-Type"), body)
	}, "/moved": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
	}})
	form := own(server.URL + "/moved")
	form.Fetch.Form = map[string]string{"q": "a b", "page": "1"}
	page := fetchOK(t, s, form, register.Validators{}).Pages[0]
	if got, want := store.text(t, page.SHA256), "POST application/x-www-form-urlencoded page=1&q=a+b"; got != want || page.Method != http.MethodPost {
		t.Errorf("sent %q, want %q", got, want)
	}
	json := own(server.URL + "/")
	json.Fetch.JSON = `{"q":1}`
	page = fetchOK(t, s, json, register.Validators{}).Pages[0]
	if got, want := store.text(t, page.SHA256), `POST application/json {"q":1}`; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestCookiesStayWithinAFetch(t *testing.T) {
	s, store := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/login": func(w http.ResponseWriter, r *http.Request) {
			for i := range 2_000 {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=v", i))
			}
			w.Header().Add("Set-Cookie", "big="+strings.Repeat("x", 10_000))
			http.Redirect(w, r, "/page", http.StatusFound)
		},
		"/page": func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, len(r.Cookies())) },
	})
	page := fetchOK(t, s, own(server.URL+"/login"), register.Validators{}).Pages[0]
	if got := store.text(t, page.SHA256); got != fmt.Sprint(maxCookies) {
		t.Errorf("sent %s cookies, want %d", got, maxCookies)
	}
	page = fetchOK(t, s, own(server.URL+"/page"), register.Validators{}).Pages[0]
	if got := store.text(t, page.SHA256); got != "0" {
		t.Errorf("the next fetch sent %s cookies", got)
	}
}

func TestFetchEndsWithItsCaller(t *testing.T) {
	s, _ := newTestScraper(t)
	ctx, cancel := context.WithCancel(t.Context())
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "name\n")
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}})
	_, err := s.Fetch(ctx, own(server.URL+"/"), register.Validators{}, nil)
	if _, isFailure := errors.AsType[*register.Failure](err); !errors.Is(err, context.Canceled) || isFailure {
		t.Errorf("error %v", err)
	}
}

// The end may come just before the archive is asked for room.
func TestEndBeforeTheBody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, store := newTestScraper(t)
	s.archive = endingArchive{store, cancel}
	server := newSite(t, map[string]http.HandlerFunc{"/": serve("name\n")})
	_, err := s.Fetch(ctx, own(server.URL+"/"), register.Validators{}, nil)
	if _, isFailure := errors.AsType[*register.Failure](err); !errors.Is(err, context.Canceled) || isFailure {
		t.Errorf("error %v", err)
	}
}

type endingArchive struct {
	testArchive
	end context.CancelFunc
}

func (a endingArchive) Create(ctx context.Context) (Body, error) {
	a.end()
	return a.testArchive.Create(ctx)
}

func TestArchiveTroubleIsOurs(t *testing.T) {
	s, _ := newTestScraper(t, func(o *Options) { o.Archive = brokenArchive{} })
	server := newSite(t, map[string]http.HandlerFunc{"/": serve("name\n")})
	_, failure := fetchFails(t, s, own(server.URL+"/"), register.ClassInternal)
	if !errors.Is(failure, errNoSpace) {
		t.Errorf("failure %v", failure)
	}
}

var errNoSpace = errors.New("no space left on device")

type brokenArchive struct{}

func (brokenArchive) Create(context.Context) (Body, error) { return brokenArchive{}, nil }
func (brokenArchive) Open(string) (io.ReadCloser, error)   { return nil, os.ErrNotExist }
func (brokenArchive) Write([]byte) (int, error)            { return 0, errNoSpace }
func (brokenArchive) Commit() (string, int64, error)       { return "", 0, errNoSpace }
func (brokenArchive) Abort()                               {}

func TestPanicIsAFailure(t *testing.T) {
	s, _ := newTestScraper(t, func(o *Options) { o.Archive = panickingArchive{} })
	server := newSite(t, map[string]http.HandlerFunc{"/": serve("name\n")})
	_, failure := fetchFails(t, s, own(server.URL+"/"), register.ClassInternal)
	if !strings.Contains(failure.Error(), "panic") {
		t.Errorf("failure %v", failure)
	}
}

type panickingArchive struct{ brokenArchive }

func (panickingArchive) Create(context.Context) (Body, error) { panic("defect") }

func TestManyFetchesShareAScraper(t *testing.T) {
	s, store := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/robots.txt": serve("User-agent: *\nDisallow: /no\n"),
		"/page":       func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "name\n"+r.URL.RawQuery+"\n") },
	})
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			fetched, err := s.Fetch(t.Context(), own(fmt.Sprintf("%s/page?%d", server.URL, i)), register.Validators{}, nil)
			if err != nil || len(fetched.Pages) != 1 {
				t.Errorf("fetch %d: %v", i, err)
				return
			}
			if got, want := store.text(t, fetched.Pages[0].SHA256), fmt.Sprintf("name\n%d\n", i); got != want {
				t.Errorf("fetch %d: %q", i, got)
			}
		})
	}
	group.Wait()
}

func BenchmarkFetchSmall(b *testing.B) {
	s, _ := newTestScraper(b)
	body := []byte("name\n" + strings.Repeat("2025-12-23;site;example.org\n", 3000))
	i := 0
	server := newSite(b, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		i++
		_, _ = fmt.Fprintf(w, "%s%d\n", body, i) // never stored before
	}})
	def := own(server.URL + "/")
	for b.Loop() {
		if _, err := s.Fetch(b.Context(), def, register.Validators{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
