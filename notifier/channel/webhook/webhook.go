package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/regwatch/regwatch/notifier"
)

const (
	maxAnswer = 64 << 10 // bytes of an answer that are read
	maxShown  = 200      // characters of it that are kept
	maxDrain  = 4 << 10  // bytes of an accepting answer, read to keep the connection
)

// Webhook posts events to one URL.
type Webhook struct {
	client  *http.Client
	url     string
	headers http.Header
	keys    [][]byte // the first one is the newest
	timeout time.Duration
	now     func() time.Time
	agent   string

	parallel int
}

// Parallel is how many messages may be under way at once: more than one for a
// receiver that orders what it gets by its sequence.
func (w *Webhook) Parallel() int { return w.parallel }

// Send posts the event. 2xx is success; anything else, redirects too, is a
// [*notifier.SendError].
func (w *Webhook) Send(ctx context.Context, m notifier.Message) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	request, err := w.request(ctx, m)
	if err != nil {
		return &notifier.SendError{Permanent: true, Err: err}
	}
	response, err := w.client.Do(request)
	if err != nil {
		return &notifier.SendError{Err: w.unanswered(ctx, request, err)}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 == 2 {
		if response.ContentLength >= 0 && response.ContentLength <= maxDrain {
			_, _ = io.Copy(io.Discard, response.Body) // it has accepted; its words do not matter
		}
		return nil
	}
	return w.refused(response)
}

func (w *Webhook) request(ctx context.Context, m notifier.Message) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(m.Body))
	if err != nil {
		return nil, errors.New("the URL can not be asked") // the cause repeats it
	}
	request.Header = w.headers.Clone()
	timestamp := strconv.FormatInt(w.now().Unix(), 10)
	var signatures []string
	for _, k := range w.keys {
		signatures = append(signatures, sign(k, m.Event.ID, timestamp, m.Body))
	}
	request.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	request.Header.Set("User-Agent", w.agent)
	request.Header.Set(headerID, m.Event.ID)
	request.Header.Set(headerTimestamp, timestamp)
	request.Header.Set(headerSignature, strings.Join(signatures, " "))
	return request, nil
}

// unanswered tells why there was no answer, without the URL: its path and query
// are often a secret.
func (w *Webhook) unanswered(ctx context.Context, request *http.Request, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s did not answer within %s", request.URL.Host, w.timeout)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("post to %s: %w", request.URL.Host, err)
}

// refused makes an error of an answer that is not 2xx.
func (w *Webhook) refused(response *http.Response) error {
	e := &notifier.SendError{Status: response.StatusCode}
	text := fmt.Sprintf("%s answered %d %s", response.Request.URL.Host, response.StatusCode, http.StatusText(response.StatusCode))
	switch response.StatusCode {
	case http.StatusGone:
		e.Disable, e.Permanent = true, true
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		e.RetryAfter = retryAfter(response.Header.Get("Retry-After"), w.now())
	}
	if response.StatusCode/100 == 3 {
		text += " (redirects are not followed: configure where it leads)"
	} else if words := said(response.Body); words != "" {
		text += ": " + words
	}
	e.Err = errors.New(text)
	return e
}

// said gives the beginning of an answer's text, fit to be shown.
func said(body io.Reader) string {
	text, _ := io.ReadAll(io.LimitReader(body, maxAnswer)) // what came before an error is as good
	return notifier.Shorten(notifier.Visible(strings.TrimSpace(string(text))), maxShown)
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3); 0 if it is neither.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
