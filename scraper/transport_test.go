package scraper

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

		f := s.newFetching(own("http://public.example/"), register.Validators{})
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
	if _, err := s.Fetch(t.Context(), own(), register.Validators{}); register.ClassOf(err) != register.ClassInternal {
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
	net := safenet.New(safenet.Options{AllowPrivate: true})
	net.Transport().TLSClientConfig.RootCAs = x509.NewCertPool()
	net.Transport().TLSClientConfig.RootCAs.AddCert(server.Certificate())
	s, store := newTestScraper(t, func(o *Options) { o.PrivateNet = net })
	page := fetchOK(t, s, own(server.URL+"/"), register.Validators{}).Pages[0]
	if got := store.text(t, page.SHA256); got != "HTTP/2.0\n" || page.Framing != register.FramedChunks {
		t.Errorf("%q, framing %q", got, page.Framing)
	}
	if page := fetchOK(t, s, own(server.URL+"/cut"), register.Validators{}).Pages[0]; page.Framing != register.FramedCut {
		t.Errorf("a reset stream has framing %q", page.Framing)
	}
}

func TestGzipBombEndsAtTheLimit(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		bomb := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := bomb.Write(zeros); err != nil {
				return
			}
		}
		bomb.Close()
	}})
	def := own(server.URL + "/")
	def.Fetch.MaxBytes = 64 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fetchFails(t, s, def, register.ClassTooLarge)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// Deflate blocks without content let gzip hold endless nothing.
func TestGzipOfEndlessNothing(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		empty := zipped(nil)
		block := []byte(strings.Repeat(string(empty), 1000))
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}})
	def := own(server.URL + "/")
	def.Fetch.MaxBytes = 1000
	fetchFails(t, s, def, register.ClassTooLarge)
}

func TestEndlessBodies(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/chunks": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"/announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000000000")
			_, _ = w.Write(make([]byte, 1<<10))
		},
		"/error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"/header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 2<<20))
			_, _ = io.WriteString(w, "x")
		},
	})
	for path, class := range map[string]string{
		"/chunks": register.ClassTooLarge, "/announced": register.ClassTooLarge, "/error": register.ClassStatus, "/header": register.ClassUnreachable,
	} {
		def := own(server.URL + path)
		def.Fetch.MaxBytes = 3 << 20
		fetchFails(t, s, def, class)
	}
}

func TestDripEndsWithTheTimeLimit(t *testing.T) {
	s, store := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "na")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}})
	def := own(server.URL + "/")
	def.Fetch.Timeout = 100 * time.Millisecond
	fetched, failure := fetchFails(t, s, def, register.ClassTooSlow)
	if !strings.Contains(failure.Hint, "fetch.timeout") {
		t.Errorf("hint %q", failure.Hint)
	}
	if len(fetched.Pages) != 1 || fetched.Pages[0].Framing != register.FramedCut || store.text(t, fetched.Pages[0].SHA256) != "na" {
		t.Errorf("what was received is not kept: %+v", fetched.Pages)
	}
}

func TestStalledConnectionIsGivenUp(t *testing.T) {
	s, _ := newTestScraper(t)
	s.stall = 50 * time.Millisecond
	asked := 0
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "name\n")
		if asked++; asked == 1 {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}})
	page := fetchOK(t, s, own(server.URL+"/"), register.Validators{}).Pages[0]
	if page.Attempts != 2 || page.Framing != register.FramedLength {
		t.Errorf("page %+v", page)
	}
}

// scripted answers without a network, so that waiting can be tested on a
// bubble's clock.
type scripted struct {
	began time.Time
	asked []time.Duration // when, besides robots.txt
	page  func(n int) (status int, header http.Header)
}

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	res := &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: req, ProtoMajor: 1, ProtoMinor: 1}
	if req.URL.Path == "/robots.txt" {
		return res, nil
	}
	s.asked = append(s.asked, time.Since(s.began))
	status, header := s.page(len(s.asked))
	res.StatusCode = status
	if header != nil {
		res.Header = header
	}
	return res, nil
}

// fetchScripted fetches def through script.
func fetchScripted(t *testing.T, s *Scraper, def register.Definition, script *scripted) (Fetched, error) {
	t.Helper()
	script.began = time.Now()
	f := s.newFetching(def, register.Validators{})
	f.transport.net = script
	err := f.all(t.Context())
	return f.result(err == nil), err
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, test := range []struct {
		name, value string
		asked       int
		wait        time.Duration
	}{
		{"seconds", "30", 2, 30 * time.Second},
		{"a date", "date", 2, 45 * time.Second},
		{"too long", "3600", 1, 0},
		{"nonsense", "soon", 2, 0},
		{"negative", "-5", 2, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := newTestScraper(t)
				value := test.value
				if value == "date" {
					value = time.Now().Add(45 * time.Second).UTC().Format(http.TimeFormat)
				}
				script := &scripted{page: func(n int) (int, http.Header) {
					if n == 1 {
						return http.StatusTooManyRequests, http.Header{"Retry-After": {value}}
					}
					return http.StatusOK, nil
				}}
				_, err := fetchScripted(t, s, own("http://public.example/"), script)
				if len(script.asked) != test.asked || (err == nil) != (test.asked == 2) {
					t.Fatalf("asked at %v: %v", script.asked, err)
				}
				if wait := script.asked[len(script.asked)-1]; wait < test.wait || wait > test.wait+time.Second {
					t.Errorf("waited %v, want %v", wait, test.wait)
				}
			})
		})
	}
}

func TestBackoffGrowsAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTestScraper(t, func(o *Options) { o.RetryBase = 10 * time.Second })
		script := &scripted{page: func(int) (int, http.Header) { return http.StatusBadGateway, nil }}
		fetched, err := fetchScripted(t, s, own("http://public.example/"), script)
		if register.ClassOf(err) != register.ClassStatus || len(script.asked) != maxAttempts || len(fetched.Pages) != 1 {
			t.Fatalf("asked at %v: %v", script.asked, err)
		}
		first, second := script.asked[1], script.asked[2]-script.asked[1]
		if first < 5*time.Second || first >= 15*time.Second || second < 10*time.Second || second >= 30*time.Second {
			t.Errorf("waited %v and %v", first, second)
		}
	})
}

func TestNoWaitOutlastsTheTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTestScraper(t)
		def := own("http://public.example/")
		script := &scripted{page: func(int) (int, http.Header) {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"60"}}
		}}
		began := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errTimeLimit)
		defer cancel()
		f := s.newFetching(def, register.Validators{})
		f.transport.net = script
		if err := f.all(ctx); register.ClassOf(err) != register.ClassStatus || time.Since(began) > time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

func TestHostsTurnsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTestScraper(t, func(o *Options) { o.HostRate = 1 })
		urls := []string{"http://public.example/1", "http://public.example/2", "http://public.example/3", "http://other.example/", "http://public.example/4"}
		script := &scripted{page: func(int) (int, http.Header) { return http.StatusOK, nil }}
		if _, err := fetchScripted(t, s, own(urls...), script); err != nil {
			t.Fatal(err)
		}
		// robots.txt and two pages go at once; the other host has its own turns
		for i, want := range []time.Duration{0, 0, time.Second, time.Second, 2 * time.Second} {
			if got := script.asked[i].Round(10 * time.Millisecond); got != want {
				t.Errorf("page %d was asked for at %v, want %v", i+1, got, want)
			}
		}
		again := &scripted{page: script.page}
		if _, err := fetchScripted(t, s, own(urls[0]), again); err != nil || again.asked[0].Round(10*time.Millisecond) != time.Second {
			t.Errorf("another fetch did not wait for its turn: %v, %v", again.asked, err)
		}
	})
}
