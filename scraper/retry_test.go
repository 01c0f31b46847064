package scraper

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/register"
)

func TestStatuses(t *testing.T) {
	s, store := newTestScraper(t)
	for _, test := range []struct{ status, attempts int }{
		{400, 1}, {403, 1}, {404, 1}, {410, 1}, {429, 3}, {500, 3}, {503, 3}, {501, 1}, {203, 1}, {204, 1}, {206, 1}, {304, 1}, {302, 1},
	} {
		server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			if test.status >= 400 {
				_, _ = fmt.Fprintf(w, "error page %d", test.status)
			}
		}})
		fetched, failure := fetchFails(t, s, own(server.URL+"/"), register.ClassStatus)
		if !strings.Contains(failure.Error(), fmt.Sprint(test.status)) {
			t.Errorf("%d: message %q", test.status, failure)
		}
		if len(fetched.Pages) != 1 || int(server.asked.Load()) != test.attempts {
			t.Fatalf("%d: %d pages, asked %d times", test.status, len(fetched.Pages), server.asked.Load())
		}
		page := fetched.Pages[0]
		if page.Status != test.status || page.Attempts != test.attempts {
			t.Errorf("%d: page %+v", test.status, page)
		}
		if test.status >= 400 && store.text(t, page.SHA256) != fmt.Sprintf("error page %d", test.status) {
			t.Errorf("%d: the error page is not archived", test.status)
		}
	}
}

func TestPassingTroubleIsRetried(t *testing.T) {
	s, _ := newTestScraper(t)
	var asked atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler) // the connection breaks without an answer
		default:
			_, _ = io.WriteString(w, "name\nA\n")
		}
	}})
	if page := fetchOK(t, s, own(server.URL+"/"), register.Validators{}).Pages[0]; asked.Load() != 3 || page.Status != 200 {
		t.Errorf("asked %d times, page %+v", asked.Load(), page)
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
	f := s.newFetching(def, register.Validators{}, nil)
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
		f := s.newFetching(def, register.Validators{}, nil)
		f.transport.net = script
		if err := f.all(ctx); register.ClassOf(err) != register.ClassStatus || time.Since(began) > time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
