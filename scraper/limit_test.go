package scraper

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/register"
)

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

func TestCrawlDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for delay, want := range map[string]time.Duration{"5": 5 * time.Second, "100000": maxCrawlDelay, "0": 0, "-1": 0, "x": 0} {
			s, _ := newTestScraper(t)
			rules := parseRobots(fmt.Appendf(nil, "User-agent: *\nCrawl-delay: %s\n", delay))
			u := &url.URL{Scheme: "https", Host: "public.example"}
			s.limits.slow(u, rules.crawlDelay)
			began := time.Now()
			for range 3 {
				if err := s.limits.wait(t.Context(), u); err != nil {
					t.Fatal(err)
				}
			}
			if got := time.Since(began).Round(time.Second); got != 2*want {
				t.Errorf("delay %q: three requests took %v, want %v", delay, got, 2*want)
			}
		}
	})
}

func TestTurnAfterTheTimeLimitIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := newTestScraper(t, func(o *Options) { o.HostRate = 0.001 })
		def := own("http://public.example/1", "http://public.example/2", "http://public.example/3")
		f := s.newFetching(def, register.Validators{}, nil)
		f.transport.net = &scripted{began: time.Now(), page: func(int) (int, http.Header) { return http.StatusOK, nil }}
		began := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errTimeLimit)
		defer cancel()
		if err := f.all(ctx); register.ClassOf(err) != register.ClassTooSlow || time.Since(began) > time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
