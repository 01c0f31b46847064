package webhook

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/regwatch/regwatch/notifier"
)

const (
	defaultTimeout  = 30 * time.Second
	defaultParallel = 1
)

// settings are a webhook's, as written.
type settings struct {
	url          string // or a reference to it
	secrets      []string
	headers      map[string]string
	timeout      time.Duration
	parallel     int
	allowPrivate bool
}

// Check reads the settings.
func Check(s *notifier.Settings) { read(s) }

func read(s *notifier.Settings) settings {
	v := settings{
		url:          s.Required("url", "write https://…, or env:NAME if the address is a secret"),
		secrets:      s.Secrets("secret"),
		headers:      s.Pairs("headers"),
		timeout:      s.Duration("timeout", defaultTimeout, time.Second, 5*time.Minute),
		parallel:     s.Number("parallel", defaultParallel, 1, 16),
		allowPrivate: s.Flag("allow_private"),
	}
	if v.url != "" && !notifier.IsReference(v.url) {
		if why := wrongURL(v.url); why != "" {
			s.Refuse("url", why, "write https://…")
		}
	}
	if len(v.secrets) == 0 && len(s.Wrong()) == 0 {
		s.Refuse("secret", "missing", "write env:NAME or file:PATH; it signs every message")
	}
	for _, name := range slices.Sorted(maps.Keys(v.headers)) {
		checkHeader(s, name, v.headers[name])
	}
	return v
}

func wrongURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "not the URL of a receiver"
	case u.User != nil:
		return "has a user in it; use headers"
	}
	return ""
}

// own are headers that the message itself has.
var own = []string{"Content-Type", "Content-Length", "Host", "User-Agent", "Transfer-Encoding", "Connection", headerID, headerTimestamp, headerSignature}

func checkHeader(s *notifier.Settings, name, value string) {
	path := "headers." + name
	canonical := http.CanonicalHeaderKey(name)
	lower := strings.ToLower(name)
	switch {
	case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
		s.Refuse(path, "not a header", "")
	case slices.Contains(own, canonical):
		s.Refuse(path, "is set by regwatch", "take it away")
	case (strings.Contains(lower, "auth") || strings.Contains(lower, "cookie") || strings.Contains(lower, "key") || strings.Contains(lower, "token")) && !notifier.IsReference(value):
		s.Refuse(path, "a secret is not written into the configuration", "write env:NAME or file:PATH, and put it there")
	}
}

// New makes a Webhook, reading its secrets.
func New(s *notifier.Settings, tools notifier.Tools) (notifier.Channel, error) {
	v := read(s)
	reveal := func(text string) (string, error) {
		if notifier.IsReference(text) {
			return tools.Secret(text)
		}
		return text, nil
	}
	w := &Webhook{timeout: v.timeout, parallel: v.parallel, now: tools.Now, agent: tools.UserAgent(), headers: http.Header{}}
	var err error
	if w.url, err = reveal(v.url); err != nil {
		return nil, err
	}
	if why := wrongURL(w.url); why != "" {
		return nil, fmt.Errorf("url %s: %s", v.url, why)
	}
	for name, text := range v.headers {
		value, err := reveal(text)
		if err != nil {
			return nil, err
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("header %s: what %s holds can not stand in a header", name, text)
		}
		w.headers.Set(name, value)
	}
	for _, reference := range v.secrets {
		secret, err := tools.Secret(reference)
		if err != nil {
			return nil, err
		}
		k, err := key(secret)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", reference, err)
		}
		w.keys = append(w.keys, k)
	}
	client := *tools.Network(v.allowPrivate).Client()
	client.Timeout = 0 // the context has it
	client.Jar = nil
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	w.client = &client
	return w, nil
}
