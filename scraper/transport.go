package scraper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
)

const (
	maxRedirects = 5
	stallLimit   = time.Minute // without a byte, then the connection is given up
)

// transport is the RoundTripper beneath colly for one fetch. A round trip is a
// whole download of one hop: when it returns, the body is in the archive, and
// page says what was received, also beside an error. colly gets the body only
// where it has to find links in it.
type transport struct {
	scraper *Scraper
	net     http.RoundTripper
	fetch   register.Fetch
	asked   asked
	page    *register.Page // of the request that was asked last; nil: nothing received
	keeps   bool           // large bodies are kept beside the archive
	body    *spool         // of page; nil: none
	begins  []uint64       // of the last complete fetch's body
	arrives Watch          // nil: nobody watches
}

// asked is the request under way, before redirects.
type asked struct {
	url       string
	method    string
	links     bool   // colly needs the body
	unchanged string // hash of the body that a 304 stands for; empty: no conditions
}

// RoundTrip makes transport an [http.RoundTripper]. Its errors are those of
// [Scraper.Fetch].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close() // each attempt sends a copy
	}
	res, err := t.download(req)
	if err != nil {
		return nil, afterRedirects(req, failureOf(req.Context(), req.URL.String(), err))
	}
	return res, nil
}

// afterRedirects names the redirects that used up the time of a fetch.
func afterRedirects(req *http.Request, err error) error {
	n, first := 0, req
	for ; first.Response != nil; first = first.Response.Request {
		n++
	}
	if f, ok := errors.AsType[*register.Failure](err); ok && n > 0 && f.Class == register.ClassTooSlow {
		f.Err = fmt.Errorf("%w; redirects until then: %d, from %.200s to %.200s", f.Err, n, first.URL, req.URL)
		f.Hint = "open the page in a browser: if it leads in a circle, this passes when the server is well again; if not, use the address it ends at"
	}
	return err
}

func (t *transport) download(req *http.Request) (*http.Response, error) {
	u, err := safenet.CheckURL(req.URL.String())
	if err != nil {
		return nil, err
	}
	if err := t.scraper.allowed(req.Context(), t.net, t.fetch.AllowPrivate, u); err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	out.URL = u
	out.Header.Set("Accept-Encoding", "gzip")
	for attempts := 0; ; {
		res, err := t.attempt(out, &attempts)
		if again, ok := errors.AsType[*cutError](err); ok {
			if err := sleep(req.Context(), again.wait); err != nil {
				return nil, err
			}
			continue
		}
		return res, err
	}
}

// cutError says that a body ended early and is worth another attempt.
type cutError struct{ wait time.Duration }

func (e *cutError) Error() string { return "the body ended early; asking again" }

// attempt asks until there is an answer, and receives its body.
func (t *transport) attempt(req *http.Request, attempts *int) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	started := t.scraper.now()
	res, err := t.scraper.ask(t.net, req.WithContext(ctx), attempts)
	if err != nil {
		return nil, err
	}
	if isRedirect(res) {
		return t.redirect(req, res)
	}
	page := t.newPage(req, res)
	page.Attempts = *attempts
	if res.StatusCode == http.StatusNotModified {
		discard(res)
		t.finish(page, started)
		return t.notModified(req, res)
	}
	wait, again := t.scraper.retry.next(ctx, *attempts, 0)
	links, err := t.receive(ctx, cancel, res, page, !again)
	if errors.Is(err, errCut) {
		return nil, &cutError{wait: wait}
	}
	t.finish(page, started)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, statusFailure(req.URL.String(), res, t.scraper.now())
	}
	return answer(req, res, links), nil
}

func (t *transport) finish(page *register.Page, started time.Time) {
	page.FetchedAt = t.scraper.now().UTC()
	page.Took = page.FetchedAt.Sub(started)
	t.page = page
}

func (t *transport) newPage(req *http.Request, res *http.Response) *register.Page {
	page := &register.Page{
		URL: t.asked.url, Method: t.asked.method, RequestHeader: keptHeader(req.Header),
		Status: res.StatusCode, ResponseHeader: keptHeader(res.Header),
	}
	if req.Response != nil { // this hop was led to
		page.FinalURL = req.URL.String()
	}
	return page
}

// notModified accepts a 304 if conditions were sent.
func (t *transport) notModified(req *http.Request, res *http.Response) (*http.Response, error) {
	if t.asked.unchanged == "" {
		return nil, statusFailure(req.URL.String(), res, t.scraper.now())
	}
	t.page.SHA256 = t.asked.unchanged
	return answer(req, res, nil), nil
}

func isRedirect(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return res.Header.Get("Location") != ""
	}
	return false
}

// redirect checks where a response leads before the client follows it.
func (t *transport) redirect(req *http.Request, res *http.Response) (*http.Response, error) {
	discard(res)
	location := res.Header.Get("Location")
	target, err := req.URL.Parse(location)
	if err == nil {
		_, err = safenet.CheckURL(target.String())
	}
	if err != nil {
		return nil, &register.Failure{
			Class: register.ClassBlockedAddress, Where: req.URL.String(),
			Err: fmt.Errorf("it redirects to %.200q, which is refused: %w", location, err),
		}
	}
	res.Body, res.ContentLength = http.NoBody, 0
	res.Request = req
	return res, nil
}

// checkRedirect bounds redirects, and keeps what identifies us from other hosts.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &register.Failure{
			Class: register.ClassStatus, Where: via[0].URL.String(),
			Err:  fmt.Errorf("stopped after %d redirects, the last to %.200s", maxRedirects, req.URL.String()),
			Hint: "open the page in a browser and use the address it ends at",
		}
	}
	from := via[len(via)-1].URL
	if !sameOrigin(from, req.URL) {
		for name := range req.Header {
			if isSecret(name) {
				delete(req.Header, name)
			}
		}
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && hostOf(a) == hostOf(b) }

// answer is what colly gets to see of a response: its status and cookies, and
// where it needs them, the links' page in UTF-8. Uncompressed keeps it from
// decoding by file name.
func answer(req *http.Request, res *http.Response, links []byte) *http.Response {
	header := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	if cookies := res.Header.Values("Set-Cookie"); len(cookies) > 0 {
		header["Set-Cookie"] = cookies
	}
	return &http.Response{
		Status: res.Status, StatusCode: res.StatusCode, Proto: res.Proto, ProtoMajor: res.ProtoMajor, ProtoMinor: res.ProtoMinor,
		Header: header, Body: io.NopCloser(bytes.NewReader(links)), ContentLength: int64(len(links)), Uncompressed: true, Request: req,
	}
}
