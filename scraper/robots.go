package scraper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
)

const (
	maxRobotsBytes = 500 << 10      // RFC 9309, 2.5: at least that much is read
	robotsLifetime = 24 * time.Hour // RFC 9309, 2.4
	robotsTimeout  = time.Minute    // others wait for the answer
)

var errRobotsSlow = errors.New("robots.txt did not arrive within a minute")

// robotsCache holds the robots.txt of each host, for all fetches.
type robotsCache struct {
	mu    sync.Mutex
	hosts map[robotsHost]*robotsEntry
}

// robotsHost: what a fetch that may not dial private addresses could not read
// is no answer for one that may.
type robotsHost struct {
	origin  string
	private bool
}

// robotsEntry is one host's rules. turn is held while they are read or fetched.
type robotsEntry struct {
	turn    chan struct{}
	rules   robotsRules
	known   bool
	fetched time.Time
}

func newRobotsCache() *robotsCache { return &robotsCache{hosts: map[robotsHost]*robotsEntry{}} }

func (c *robotsCache) entry(host robotsHost) *robotsEntry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.hosts[host]
	if !ok {
		if len(c.hosts) >= maxHosts {
			clear(c.hosts)
		}
		e = &robotsEntry{turn: make(chan struct{}, 1)}
		c.hosts[host] = e
	}
	return e
}

// allowed asks the host's robots.txt whether u may be fetched; nil: it may.
func (s *Scraper) allowed(ctx context.Context, rt http.RoundTripper, private bool, u *url.URL) error {
	origin := u.Scheme + "://" + hostOf(u)
	rules, err := s.rulesOf(ctx, rt, robotsHost{origin: origin, private: private}, u)
	if err != nil {
		return err
	}
	s.limits.slow(u, rules.crawlDelay)
	if rules.allows(u) {
		return nil
	}
	return &register.Failure{
		Class: register.ClassBlockedRobots, Where: u.String(),
		Err:  fmt.Errorf("%s/robots.txt asks not to fetch this", origin),
		Hint: "ask the authority to allow the user agent " + robotsToken + ", or for another address of the register",
	}
}

// rulesOf gives a host's rules. One fetch asks, the others wait for its answer.
// Rules older than a day are used only if new ones can not be had (RFC 9309, 2.4).
func (s *Scraper) rulesOf(ctx context.Context, rt http.RoundTripper, host robotsHost, u *url.URL) (robotsRules, error) {
	e := s.robots.entry(host)
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return robotsRules{}, ctx.Err()
	}
	if e.known && s.now().Sub(e.fetched) < robotsLifetime {
		return e.rules, nil
	}
	rules, err := s.fetchRobots(ctx, rt, &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"})
	if err != nil {
		if e.known && ctx.Err() == nil {
			return e.rules, nil
		}
		return robotsRules{}, err
	}
	e.rules, e.known, e.fetched = rules, true, s.now()
	return rules, nil
}

// fetchRobots asks for a robots.txt: 2xx is read, 4xx and too many redirects
// mean that there is none, anything else that nothing may be fetched
// (RFC 9309, 2.3.1).
func (s *Scraper) fetchRobots(ctx context.Context, rt http.RoundTripper, u *url.URL) (robotsRules, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, robotsTimeout, errRobotsSlow)
	defer cancel()
	for range maxRedirects + 1 {
		res, err := s.askRobots(ctx, rt, u)
		if err != nil {
			return robotsRules{}, fmt.Errorf("ask for %s: %w", u, err)
		}
		switch {
		case isRedirect(res):
			discard(res)
			if u, err = robotsTarget(u, res.Header.Get("Location")); err != nil {
				return robotsRules{}, err
			}
		case res.StatusCode >= 500:
			discard(res)
			return robotsRules{}, &register.Failure{
				Class: register.ClassBlockedRobots, Where: u.String(),
				Err:  fmt.Errorf("the server answered %d %s, which means that nothing may be fetched (RFC 9309)", res.StatusCode, http.StatusText(res.StatusCode)),
				Hint: "this passes when the server is well again",
			}
		case res.StatusCode >= 200 && res.StatusCode < 300:
			return readRobots(ctx, res)
		default:
			discard(res)
			return robotsRules{}, nil
		}
	}
	return robotsRules{}, nil
}

func (s *Scraper) askRobots(ctx context.Context, rt http.RoundTripper, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", s.userAgent)
	attempts := 0
	return s.ask(rt, req, &attempts)
}

func robotsTarget(u *url.URL, location string) (*url.URL, error) {
	target, err := u.Parse(location)
	if err == nil {
		target, err = safenet.CheckURL(target.String())
	}
	if err != nil {
		return nil, &register.Failure{
			Class: register.ClassBlockedAddress, Where: u.String(),
			Err: fmt.Errorf("it redirects to %.200q, which is refused: %w", location, err),
		}
	}
	return target, nil
}

// readRobots reads as much as the RFC asks for, without the line at which the
// text was cut: the rest of it might change its meaning.
func readRobots(ctx context.Context, res *http.Response) (robotsRules, error) {
	defer res.Body.Close()
	body, err := decoded(res, res.Body, math.MaxInt32)
	if err != nil {
		return robotsRules{}, nil // not a robots.txt
	}
	text, err := io.ReadAll(io.LimitReader(body, maxRobotsBytes))
	if ctx.Err() != nil {
		return robotsRules{}, context.Cause(ctx)
	}
	if err != nil || len(text) == maxRobotsBytes {
		text = text[:bytes.LastIndexAny(text, "\r\n")+1]
	}
	return parseRobots(text), nil
}
