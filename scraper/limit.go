package scraper

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	defaultHostRate = 1 // requests per second
	hostBurst       = 3 // robots.txt, page and a redirect go at once
	maxCrawlDelay   = 30 * time.Second
	maxHosts        = 4096 // remembered; a server could redirect to new ones for ever
)

// errQueue says that a host's turn would come after the fetch's time limit.
var errQueue = errors.New("the host's rate limit leaves no turn before fetch.timeout is over")

// hostLimits is one limiter per host for all fetches.
type hostLimits struct {
	rate  rate.Limit
	mu    sync.Mutex
	hosts map[string]*rate.Limiter
}

func newHostLimits(perSecond float64) *hostLimits {
	if perSecond <= 0 {
		perSecond = defaultHostRate
	}
	return &hostLimits{rate: rate.Limit(perSecond), hosts: map[string]*rate.Limiter{}}
}

func (l *hostLimits) host(host string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, ok := l.hosts[host]
	if !ok {
		if len(l.hosts) >= maxHosts {
			clear(l.hosts)
		}
		limiter = rate.NewLimiter(l.rate, hostBurst)
		l.hosts[host] = limiter
	}
	return limiter
}

// wait waits for the host's turn.
func (l *hostLimits) wait(ctx context.Context, u *url.URL) error {
	err := l.host(hostOf(u)).Wait(ctx)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("wait for %s: %w", u.Host, errQueue)
	}
	return err
}

// slow makes a host's limiter as slow as its robots.txt asks, up to half a
// minute between requests; never faster than before.
func (l *hostLimits) slow(u *url.URL, delay time.Duration) {
	limit := rate.Every(min(delay, maxCrawlDelay))
	if limiter := l.host(hostOf(u)); delay > 0 && limit < limiter.Limit() {
		limiter.SetLimit(limit)
		limiter.SetBurst(1)
	}
}

// hostOf is the host that limits and robots.txt belong to: name and port.
func hostOf(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" {
		return u.Host + ":443"
	}
	return u.Host + ":80"
}
