package scraper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
)

// failureOf classifies an error of the network, the archive or the clock. An
// end that the caller asked for is no failure of the register: it stays ctx's
// error.
func failureOf(ctx context.Context, where string, err error) error {
	if f, ok := errors.AsType[*register.Failure](err); ok {
		return f
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL is said once
	}
	fail := func(class, hint string) error {
		return &register.Failure{Class: class, Where: where, Err: err, Hint: hint}
	}
	blocked, isBlocked := errors.AsType[*safenet.BlockedError](err)
	switch cause := context.Cause(ctx); {
	case errors.Is(err, errArchive):
		return fail(register.ClassInternal, "is the disk full?")
	case isTimeLimit(ctx), errors.Is(err, errQueue):
		if cause != nil {
			err = cause
		}
		return fail(register.ClassTooSlow, "raise fetch.timeout if the register is really that slow")
	case cause != nil:
		return fmt.Errorf("fetch %s: %w", where, cause)
	case isBlocked:
		err = blocked
		return fail(register.ClassBlockedAddress, "")
	case errors.Is(err, errDamaged):
		return fail(register.ClassUndecodable, "this passes when the server is well again")
	case errors.Is(err, errCoding):
		return fail(register.ClassUndecodable, "the server compresses in a way that nobody asked for; tell its authority")
	case errors.Is(err, errTooLarge):
		return fail(register.ClassTooLarge, "")
	}
	return fail(register.ClassUnreachable, unreachableHint(err))
}

// isTimeLimit reports whether the fetch's own time is over.
func isTimeLimit(ctx context.Context) bool {
	cause := context.Cause(ctx)
	return errors.Is(cause, errTimeLimit) || errors.Is(cause, context.DeadlineExceeded)
}

func unreachableHint(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return "the host name does not exist; check fetch.url, or whether the register has moved"
	}
	return trustHint(err)
}

// statusFailure says what an HTTP error means for whoever keeps the definition.
func statusFailure(where string, res *http.Response, now time.Time) error {
	f := &register.Failure{Class: register.ClassStatus, Where: where, Err: fmt.Errorf("the server answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))}
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		f.Hint = "the server does not let us in; does the page open in a browser, and does it need fetch.headers?"
	case http.StatusNotFound, http.StatusGone:
		f.Hint = "the register may have moved; check fetch.url"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if wait := retryAfter(res.Header, now); wait > 0 {
			f.Hint = fmt.Sprintf("the server asks to wait %s; choose a slower schedule if this stays", wait.Round(time.Second))
		}
	}
	return f
}

// isAbsent reports whether a visit failed because the page is not there.
func isAbsent(page *register.Page, err error) bool {
	return err != nil && page != nil && (page.Status == http.StatusNotFound || page.Status == http.StatusGone)
}
