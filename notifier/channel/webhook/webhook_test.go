package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/notifier/channel/webhook"
	"github.com/regwatch/regwatch/register"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const body = `{"id":"abc","data":{"name":"<Casino> & ü"}}`

var now = time.Date(2025, 12, 23, 2, 27, 29, 0, time.UTC)

func message() notifier.Message {
	return notifier.Message{Event: register.Event{ID: "abc", Type: "regwatch.change.added"}, Body: []byte(body)}
}

// open makes a webhook that may reach loopback.
func open(t *testing.T, url string, extra map[string]any) notifier.Channel {
	t.Helper()
	settings := map[string]any{"url": url, "secret": "env:SECRET", "allow_private": true}
	maps.Copy(settings, extra)
	c, err := construct(t, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var secrets = map[string]string{
	"env:SECRET": "whsec_" + base64.StdEncoding.EncodeToString([]byte("first key of many bytes")),
	"env:OLD":    "plain old secret", "env:TOKEN": "Bearer s3cret", "env:LINES": "a\r\nb", "env:BAD": "whsec_%%", "env:URL": "ftp://x",
}

func construct(t *testing.T, settings map[string]any) (notifier.Channel, error) {
	t.Helper()
	s := notifier.NewSettings(register.Channel{Name: "hook", Type: "webhook", Settings: settings})
	webhook.Check(s)
	if wrong := s.Wrong(); len(wrong) > 0 {
		return nil, wrong[0]
	}
	return webhook.New(s, notifier.Tools{
		Network: func(allowPrivate bool) notifier.Network {
			n := safenet.New(safenet.Options{AllowPrivate: allowPrivate})
			t.Cleanup(n.Close)
			return n
		},
		Secret: func(reference string) (string, error) {
			if secret, ok := secrets[reference]; ok {
				return secret, nil
			}
			return "", errors.New("no secret " + reference)
		},
		Now: func() time.Time { return now }, Version: "1.2",
	})
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// sum computes a signature without the package.
func sum(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	io.WriteString(mac, text)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestSignsTheExactBody(t *testing.T) {
	var got *http.Request
	var read string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, read = r.Clone(context.Background()), string(text)
		w.WriteHeader(http.StatusAccepted)
	})
	hook := open(t, url+"/path?q=1", map[string]any{"secret": []any{"env:SECRET", "env:OLD"}, "headers": map[string]any{"x-team": "desk", "Authorization": "env:TOKEN"}})
	if err := hook.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	signed := fmt.Sprintf("abc.%d.%s", now.Unix(), body)
	want := "v1," + sum("first key of many bytes", signed) + " v1," + sum("plain old secret", signed)
	for header, value := range map[string]string{
		"webhook-id": "abc", "webhook-timestamp": fmt.Sprint(now.Unix()), "webhook-signature": want,
		"content-type": "application/cloudevents+json; charset=utf-8", "user-agent": "regwatch/1.2", "x-team": "desk", "authorization": "Bearer s3cret",
	} {
		if got.Header.Get(header) != value {
			t.Errorf("%s: %q, want %q", header, got.Header.Get(header), value)
		}
	}
	if read != body || got.Method != http.MethodPost || got.URL.String() != "/path?q=1" {
		t.Errorf("%s %s: %s", got.Method, got.URL, read)
	}
	for _, secret := range []string{"env:SECRET", "env:OLD"} {
		if err := webhook.Verify(secrets[secret], got.Header, []byte(read), now.Add(4*time.Minute)); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	text := fmt.Sprintf("abc.%d.%s", now.Unix(), body)
	good := func() http.Header {
		return http.Header{"Webhook-Id": {"abc"}, "Webhook-Timestamp": {fmt.Sprint(now.Unix())}, "Webhook-Signature": {"v2,x v1," + sum("k", text)}}
	}
	if err := webhook.Verify("k", good(), []byte(body), now); err != nil {
		t.Fatal(err)
	}
	without := func(name, value string) http.Header {
		h := good()
		h.Set(name, value)
		return h
	}
	for name, refuse := range map[string]func() error{
		"other secret":  func() error { return webhook.Verify("other", good(), []byte(body), now) },
		"empty secret":  func() error { return webhook.Verify("", good(), []byte(body), now) },
		"broken secret": func() error { return webhook.Verify("whsec_%", good(), []byte(body), now) },
		"other body":    func() error { return webhook.Verify("k", good(), []byte(body+" "), now) },
		"too old":       func() error { return webhook.Verify("k", good(), []byte(body), now.Add(301*time.Second)) },
		"of the future": func() error { return webhook.Verify("k", good(), []byte(body), now.Add(-301*time.Second)) },
		"other id":      func() error { return webhook.Verify("k", without("Webhook-Id", "abd"), []byte(body), now) },
		"no id":         func() error { return webhook.Verify("k", without("Webhook-Id", ""), []byte(body), now) },
		"no time":       func() error { return webhook.Verify("k", without("Webhook-Timestamp", "x"), []byte(body), now) },
		"no signature":  func() error { return webhook.Verify("k", without("Webhook-Signature", ""), []byte(body), now) },
		"without version": func() error {
			return webhook.Verify("k", without("Webhook-Signature", sum("k", text)), []byte(body), now)
		},
	} {
		if refuse() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAnswers(t *testing.T) {
	asked := false
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	for _, test := range []struct {
		status int
		header http.Header
		body   string
		want   notifier.SendError
		says   string
	}{
		{status: 400, body: "bad\x1b[2J\r\n", want: notifier.SendError{Status: 400}, says: `answered 400 Bad Request: bad\x1b[2J`},
		{status: 302, header: http.Header{"Location": {elsewhere}}, body: "moved", want: notifier.SendError{Status: 302}, says: "redirects are not followed"},
		{status: 307, header: http.Header{"Location": {elsewhere}}, want: notifier.SendError{Status: 307}, says: "307"},
		{status: 410, body: "unsubscribed", want: notifier.SendError{Status: 410, Disable: true, Permanent: true}, says: "unsubscribed"},
		{status: 429, header: http.Header{"Retry-After": {"120"}}, want: notifier.SendError{Status: 429, RetryAfter: 2 * time.Minute}, says: "429"},
		{status: 503, header: http.Header{"Retry-After": {now.Add(time.Hour).Format(http.TimeFormat)}}, want: notifier.SendError{Status: 503, RetryAfter: time.Hour}, says: "503"},
		{status: 503, header: http.Header{"Retry-After": {now.Add(-time.Hour).Format(http.TimeFormat)}}, want: notifier.SendError{Status: 503}, says: "503"},
		{status: 503, header: http.Header{"Retry-After": {"-5"}}, want: notifier.SendError{Status: 503}, says: "503"},
		{status: 500, header: http.Header{"Retry-After": {"120"}}, body: strings.Repeat("x", 1<<20), want: notifier.SendError{Status: 500}, says: "xxx…"},
	} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), test.header)
			w.WriteHeader(test.status)
			io.WriteString(w, test.body)
		})
		err := open(t, url+"/s3cret-path", nil).Send(t.Context(), message())
		got, ok := errors.AsType[*notifier.SendError](err)
		if !ok {
			t.Fatalf("%d: %v", test.status, err)
		}
		if !strings.Contains(err.Error(), test.says) || len(err.Error()) > 400 || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%d: %v", test.status, err)
		}
		if got.Err = nil; *got != test.want {
			t.Errorf("%d: %+v, want %+v", test.status, *got, test.want)
		}
	}
	if asked {
		t.Error("a redirect was followed")
	}
}

// dripping answers one byte after the other for ever.
func dripping(w http.ResponseWriter, r *http.Request, status int) {
	w.WriteHeader(status)
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte("x")); err != nil {
			return
		}
		w.(http.Flusher).Flush()
	}
}

func TestSlowAndEndlessAnswers(t *testing.T) {
	hang := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/silent":
			select {
			case <-r.Context().Done():
			case <-hang:
			}
		case "/endless-ok":
			dripping(w, r, http.StatusOK)
		case "/endless":
			dripping(w, r, http.StatusInternalServerError)
		}
	})
	t.Cleanup(func() { close(hang) }) // before the server waits for its handlers
	began := time.Now()
	err := open(t, url+"/silent", map[string]any{"timeout": "1s"}).Send(t.Context(), message())
	if err == nil || !strings.Contains(err.Error(), "did not answer within 1s") || time.Since(began) > 10*time.Second {
		t.Errorf("silent: %v after %s", err, time.Since(began))
	}
	if err := open(t, url+"/endless-ok", nil).Send(t.Context(), message()); err != nil {
		t.Errorf("an endless acceptance: %v", err)
	}
	if err := open(t, url+"/endless", nil).Send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("an endless refusal: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := open(t, url+"/silent", nil).Send(ctx, message()); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String() + "/s3cret"
	listener.Close()
	if err := open(t, url, nil).Send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
	err = open(t, url, map[string]any{"allow_private": false}).Send(t.Context(), message())
	if !safenet.IsBlocked(err) {
		t.Errorf("a loopback address without allow_private: %v", err)
	}
}

func TestConnectionIsKept(t *testing.T) {
	var mu sync.Mutex
	connections := map[string]bool{}
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		connections[r.RemoteAddr] = true
		mu.Unlock()
		io.WriteString(w, "thank you")
	})
	hook := open(t, url, nil)
	for range 3 {
		if err := hook.Send(t.Context(), message()); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for three messages", len(connections))
	}
}

func TestWrongSettings(t *testing.T) {
	for name, test := range map[string]struct {
		settings map[string]any
		says     string
	}{
		"nothing":          {nil, "channels.hook.url: missing"},
		"no secret":        {map[string]any{"url": "https://x.example"}, "channels.hook.secret: missing"},
		"literal secret":   {map[string]any{"url": "https://x.example", "secret": "hunter2"}, "channels.hook.secret: a secret is not written"},
		"literal in list":  {map[string]any{"url": "https://x.example", "secret": []any{"env:A", "hunter2"}}, "channels.hook.secret: a secret"},
		"literal token":    {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "headers": map[string]any{"Authorization": "hunter2"}}, "headers.Authorization: a secret"},
		"our own header":   {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "headers": map[string]any{"webhook-ID": "x"}}, "is set by regwatch"},
		"odd header":       {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "headers": map[string]any{"X-A": "a\r\nb"}}, "not a header"},
		"scheme":           {map[string]any{"url": "gopher://x.example/", "secret": "env:SECRET"}, "not the URL"},
		"user in the URL":  {map[string]any{"url": "https://u:hunter2@x.example", "secret": "env:SECRET"}, "has a user"},
		"misspelt":         {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "timout": "3s"}, "did you mean timeout?"},
		"timeout":          {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "timeout": "1h"}, "between 1s and 5m0s"},
		"parallel":         {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "parallel": 17}, "not a number between 1 and 16"},
		"half a message":   {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "parallel": 1.5}, "not a number between 1 and 16"},
		"flag":             {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "allow_private": "yes"}, "neither true nor false"},
		"missing secret":   {map[string]any{"url": "https://x.example", "secret": "env:NONE"}, "no secret env:NONE"},
		"broken secret":    {map[string]any{"url": "https://x.example", "secret": "env:BAD"}, "not base64"},
		"URL in a secret":  {map[string]any{"url": "env:URL", "secret": "env:SECRET"}, "url env:URL: not the URL"},
		"header of a file": {map[string]any{"url": "https://x.example", "secret": "env:SECRET", "headers": map[string]any{"X-A": "env:LINES"}}, "can not stand in a header"},
	} {
		_, err := construct(t, test.settings)
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

// TestTimeoutIsTheWholeExchange uses a network that never answers.
func TestTimeoutIsTheWholeExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := notifier.NewSettings(register.Channel{Name: "hook", Settings: map[string]any{"url": "http://x.example", "secret": "env:SECRET"}})
		hook, err := webhook.New(s, notifier.Tools{
			Network: func(bool) notifier.Network { return silent{} }, Now: time.Now,
			Secret: func(string) (string, error) { return "k", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = hook.Send(t.Context(), message())
		if err == nil || !strings.Contains(err.Error(), "within 30s") || time.Since(began) != 30*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// silent is a network in which nobody answers.
type silent struct{}

func (s silent) Client() *http.Client { return &http.Client{Transport: s} }

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func (silent) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestParallel(t *testing.T) {
	settings := map[string]any{"url": "https://x.example", "secret": "env:SECRET"}
	for _, test := range []struct {
		written any
		want    int
	}{{nil, 1}, {4, 4}, {16, 16}} {
		if test.written != nil {
			settings["parallel"] = test.written
		}
		channel, err := construct(t, settings)
		if err != nil {
			t.Fatal(err)
		}
		if got := channel.(notifier.Parallel).Parallel(); got != test.want {
			t.Errorf("parallel %v: %d at a time, want %d", test.written, got, test.want)
		}
	}
}
