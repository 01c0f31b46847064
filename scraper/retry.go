package scraper

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/regwatch/regwatch/internal/safenet"
)

const (
	maxAttempts      = 3
	defaultRetryBase = time.Second
	maxRetryAfter    = 2 * time.Minute // a longer one is left to the next tick
)

// retryPolicy says whether and when to try again.
type retryPolicy struct{ base time.Duration }

func newRetryPolicy(base time.Duration) retryPolicy {
	if base <= 0 {
		base = defaultRetryBase
	}
	return retryPolicy{base: base}
}

// next gives the wait before the next attempt, and whether there is one: not
// after the third, and not if the wait would outlast ctx. asked is what the
// server asked to wait.
func (p retryPolicy) next(ctx context.Context, attempts int, asked time.Duration) (time.Duration, bool) {
	if attempts >= maxAttempts || asked > maxRetryAfter || ctx.Err() != nil {
		return 0, false
	}
	wait := max(p.backoff(attempts), asked)
	deadline, limited := ctx.Deadline()
	return wait, !limited || time.Until(deadline) > wait
}

// sleep waits, or ends with ctx's error.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// backoff doubles with each attempt, give or take a half, so that many fetches
// that failed together do not return together.
func (p retryPolicy) backoff(attempts int) time.Duration {
	middle := p.base << (attempts - 1)
	return middle/2 + rand.N(middle)
}

// ask sends a request, in its host's turn, until it is answered otherwise than
// by a request to come again, or the attempts are used up. It adds to attempts.
func (s *Scraper) ask(rt http.RoundTripper, req *http.Request, attempts *int) (*http.Response, error) {
	ctx := req.Context()
	for {
		*attempts++
		res, err := s.send(rt, req)
		var wait time.Duration
		var again bool
		switch {
		case err != nil:
			if wait, again = s.retry.next(ctx, *attempts, 0); !again || !isPassing(err) {
				return nil, err
			}
			s.logger.DebugContext(ctx, "no answer, will ask again", "url", req.URL.String(), "error", err, "wait", wait)
		case isPassingStatus(res.StatusCode):
			if wait, again = s.retry.next(ctx, *attempts, retryAfter(res.Header, s.now())); !again {
				return res, nil
			}
			s.logger.DebugContext(ctx, "asked to come again", "url", req.URL.String(), "status", res.StatusCode, "wait", wait)
			discard(res)
		default:
			return res, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// send sends one copy of a request in its host's turn.
func (s *Scraper) send(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	if err := s.limits.wait(req.Context(), req.URL); err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		out.Body = body
	}
	return rt.RoundTrip(out)
}

// discard ends a response whose body nobody needs; a short one is read, so that
// the connection can be used again.
func discard(res *http.Response) {
	const short = 4 << 10
	if res.ContentLength >= 0 && res.ContentLength <= short {
		_, _ = io.CopyN(io.Discard, res.Body, short)
	}
	res.Body.Close()
}

// isPassing reports whether a request that failed with err may succeed soon.
func isPassing(err error) bool {
	if safenet.IsBlocked(err) || errors.Is(err, errQueue) {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return false
	}
	return !isCertificate(err)
}

// isPassingStatus reports whether a status asks to come again.
func isPassingStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

// retryAfter reads the header of that name (RFC 9110, 10.2.3), seconds or a
// date; 0 where there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
