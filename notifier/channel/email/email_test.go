package email_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/notifier/channel/email"
	"github.com/regwatch/regwatch/register"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2025, 12, 23, 2, 27, 29, 0, time.UTC)

// open makes a mail channel to the office.
func open(t *testing.T, office *postOffice, extra map[string]any) notifier.Channel {
	t.Helper()
	settings := map[string]any{"server": office.addr, "from": "regwatch@example.org", "to": []any{"desk@example.org", "Ü Desk <two@example.org>"}, "tls": "none", "allow_private": true}
	maps.Copy(settings, extra)
	c, err := construct(t, settings, office.pem)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func construct(t *testing.T, settings map[string]any, ca string) (notifier.Channel, error) {
	t.Helper()
	s := notifier.NewSettings(register.Channel{Name: "desk", Type: "email", Settings: settings})
	email.Check(s)
	if wrong := s.Wrong(); len(wrong) > 0 {
		return nil, wrong[0]
	}
	return email.New(s, notifier.Tools{
		Network: func(allowPrivate bool) notifier.Network {
			n := safenet.New(safenet.Options{AllowPrivate: allowPrivate})
			t.Cleanup(n.Close)
			return n
		},
		Secret: func(reference string) (string, error) {
			secret, ok := map[string]string{"env:PASSWORD": "s3cret", "env:WRONG": "wr0ng", "env:CA": ca, "env:JUNK": "junk"}[reference]
			if !ok {
				return "", errors.New("no secret " + reference)
			}
			return secret, nil
		},
		Now: func() time.Time { return now }, Version: "1.2",
	})
}

const hostileName = "Evil\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script> http://evil.example.com/ \u202e"

func hostile() notifier.Message {
	c := register.Change{
		ID: "abc234", Register: "cz-mf-blocklist", Title: "List of unauthorised internet games", Country: "CZ", Kind: register.Changed, ObservedAt: now,
		Key:         register.NewKey("x"),
		Before:      register.Values{{Name: "name", Text: "old.example.com"}},
		After:       register.Values{{Name: "name", Text: hostileName}, {Name: "reason", Text: "\r\n.\r\nQUIT " + strings.Repeat("long ", 2000)}, {Name: "url", Text: "javascript:alert(1)"}},
		Differences: map[string]register.Difference{"name": {"old.example.com", hostileName}},
		Attribution: "Data: Ministry, CC BY",
		Evidence:    register.Evidence{URL: "https://mf.example/list?a=1&b=2", Pages: []register.EvidencePage{{SHA256: strings.Repeat("ab", 32), Bytes: 10}}},
	}
	return notifier.Message{Event: register.NewChangeEvent("", c), Delivery: register.Delivery{Subscription: "new_apps", Channel: "desk"}}
}

// parts gives a mail's headers and its two bodies.
func parts(t *testing.T, data string) (header mail.Header, text, html string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	reader := multipart.NewReader(m.Body, params["boundary"])
	bodies := map[string]string{}
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m.Header, bodies["text/plain"], bodies["text/html"]
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		bodies[kind] = string(body)
	}
}

func TestHostileValuesStayText(t *testing.T) {
	office := openPostOffice(t, false, false)
	if err := open(t, office, nil).Send(t.Context(), hostile()); err != nil {
		t.Fatal(err)
	}
	got := office.mails[0]
	if got.from != "regwatch@example.org" || !slices.Equal(got.to, []string{"desk@example.org", "two@example.org"}) {
		t.Errorf("from %s to %v", got.from, got.to)
	}
	header, text, html := parts(t, got.data)
	var names []string
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "List-Id", "Message-Id", "Mime-Version", "Subject", "To", "User-Agent"}; !slices.Equal(names, want) {
		t.Errorf("headers %v", names)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, `[CZ] List of unauthorised internet games: entry changed - Evil\r\nBcc: victim[@]example[.]com`) || len([]rune(subject)) > 150 {
		t.Errorf("subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<abc234.new-apps@example.org>", "List-Id": "<new-apps.regwatch.example.org>", "Auto-Submitted": "auto-generated",
		"Date": now.Format(time.RFC1123Z), "User-Agent": "regwatch/1.2",
	} {
		if header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, header.Get(name), want)
		}
	}
	for _, line := range strings.Split(strings.SplitN(got.data, "\r\n\r\n", 2)[0], "\r\n") {
		if len(line) > 998 {
			t.Errorf("a header line of %d bytes", len(line))
		}
	}
	for _, bad := range []string{"http://evil", "evil.example.com", "old.example.com", "\u202e", "victim@"} {
		if strings.Contains(text, bad) || strings.Contains(html, bad) {
			t.Errorf("the mail has %q in clear", bad)
		}
	}
	for _, want := range []string{`http[:]//evil[.]example[.]com/`, `\u202e`, "sha256 " + strings.Repeat("ab", 32), "present at 2025-12-23 02:27 UTC", "Data: Ministry, CC BY", "old[.]example[.]com → "} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if !strings.Contains(text, "the register is at https://mf.example/list?a=1&b=2") || strings.Count(html, "<a ") != 1 || !strings.Contains(html, `href="https://mf.example/list?a=1&amp;b=2"`) {
		t.Errorf("the register's own address:\n%s", html)
	}
	if strings.Contains(html, "<script") || !strings.Contains(html, "&lt;script&gt;") {
		t.Errorf("markup in the HTML:\n%s", html)
	}
}

func TestSameEventSameMessageID(t *testing.T) {
	office := openPostOffice(t, false, false)
	c := open(t, office, nil)
	for range 2 {
		if err := c.Send(t.Context(), hostile()); err != nil {
			t.Fatal(err)
		}
	}
	first, _, _ := parts(t, office.mails[0].data)
	second, _, _ := parts(t, office.mails[1].data)
	if first.Get("Message-Id") != second.Get("Message-Id") {
		t.Errorf("%s, then %s", first.Get("Message-Id"), second.Get("Message-Id"))
	}
}

func TestTestMessageSaysSo(t *testing.T) {
	office := openPostOffice(t, false, false)
	m, err := notifier.NewTrial("t1", "new-apps", "", now)
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, office, nil).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	header, text, _ := parts(t, office.mails[0].data)
	if !strings.HasPrefix(header.Get("Subject"), "[TEST] ") || !strings.Contains(text, "This is a test.") {
		t.Errorf("%s\n%s", header.Get("Subject"), text)
	}
}

func TestEncryptionAndPassword(t *testing.T) {
	for _, mode := range []string{"starttls", "tls"} {
		office := openPostOffice(t, mode == "tls", true)
		good := map[string]any{"tls": mode, "ca": "env:CA", "user": "me", "password": "env:PASSWORD"}
		if err := open(t, office, good).Send(t.Context(), hostile()); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if got := office.mails[0]; got.user != "me" || !got.tls {
			t.Errorf("%s: user %q, encrypted %v", mode, got.user, got.tls)
		}
		good["password"] = "env:WRONG"
		err := open(t, office, good).Send(t.Context(), hostile())
		if failure, ok := errors.AsType[*notifier.SendError](err); !ok || failure.Permanent || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("%s: a wrong password: %v", mode, err)
		}
		unknown := open(t, office, map[string]any{"tls": mode})
		if err := unknown.Send(t.Context(), hostile()); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: an unknown certificate: %v", mode, err)
		}
	}
	office := openPostOffice(t, false, false)
	if err := open(t, office, map[string]any{"tls": "starttls"}).Send(t.Context(), hostile()); err == nil || len(office.mails) > 0 {
		t.Errorf("a server without STARTTLS: %v", err)
	}
	if err := open(t, office, map[string]any{"password": "env:PASSWORD"}).Send(t.Context(), hostile()); err != nil || office.mails[0].user != "regwatch@example.org" {
		t.Errorf("in clear on loopback: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	later := &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later \x1b[2J"}
	never := &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	second := func(to string) error {
		if to == "two@example.org" {
			return never
		}
		return nil
	}
	for name, test := range map[string]struct {
		answers   answers
		status    int
		permanent bool
		says      string
	}{
		"sender, later": {answers{mailErr: later}, 451, false, `later`},
		"sender, never": {answers{mailErr: never}, 550, true, "no such user"},
		"one recipient": {answers{rcptErr: second}, 550, true, "two@example.org"},
		"data, later":   {answers{dataErr: later}, 451, false, "451"},
		"data, never":   {answers{dataErr: never}, 550, true, "550"},
	} {
		office := openPostOffice(t, false, false)
		office.answers = test.answers
		err := open(t, office, nil).Send(t.Context(), hostile())
		failure, ok := errors.AsType[*notifier.SendError](err)
		if !ok || failure.Permanent != test.permanent || failure.Status != test.status || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

func TestUnreachableAndSilent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() // accepts by the system, says nothing
	office := &postOffice{addr: listener.Addr().String()}
	began := time.Now()
	err = open(t, office, map[string]any{"timeout": "1s"}).Send(t.Context(), hostile())
	if err == nil || !strings.Contains(err.Error(), "within 1s") || time.Since(began) > 20*time.Second {
		t.Errorf("silent: %v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := time.AfterFunc(50*time.Millisecond, cancel)
	defer stop.Stop()
	if err := open(t, office, nil).Send(ctx, hostile()); err == nil || time.Since(began) > 20*time.Second {
		t.Errorf("stopped: %v", err)
	}
	if err := open(t, office, map[string]any{"allow_private": false}).Send(t.Context(), hostile()); !safenet.IsBlocked(err) {
		t.Errorf("a loopback server without allow_private: %v", err)
	}
}

func TestWrongSettings(t *testing.T) {
	with := func(name string, value any) map[string]any {
		settings := map[string]any{"server": "mx.example:587", "from": "a@example.org", "to": []any{"b@example.org"}}
		if settings[name] = value; value == nil {
			delete(settings, name)
		}
		return settings
	}
	for says, settings := range map[string]map[string]any{
		"channels.desk.server: missing":                                    with("server", nil),
		"channels.desk.server: not host:port":                              with("server", "mx.example"),
		"channels.desk.from: missing":                                      with("from", nil),
		"channels.desk.from: not a mail address":                           with("from", "nobody"),
		"channels.desk.to: 0 recipients":                                   with("to", nil),
		"channels.desk.to: 51 recipients":                                  with("to", slices.Repeat([]any{"b@example.org"}, 51)),
		"channels.desk.to[0]: not a mail address":                          with("to", "b@example.org\r\nBcc: c@example.org"),
		"channels.desk.password: a secret is not written":                  with("password", "hunter2"),
		"channels.desk.password: missing":                                  with("user", "me"),
		"channels.desk.tls: not one of":                                    with("tls", "ssl"),
		"channels.desk.passwort: unknown setting (did you mean password?)": with("passwort", "hunter2"),
		"ca env:JUNK: no certificate":                                      with("ca", "env:JUNK"),
		"no secret env:NONE":                                               with("password", "env:NONE"),
	} {
		_, err := construct(t, settings, "")
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, says)
		}
	}
	clear := with("tls", "none")
	clear["password"] = "env:PASSWORD"
	if _, err := construct(t, clear, ""); err == nil || !strings.Contains(err.Error(), "in clear") {
		t.Errorf("a password in clear: %v", err)
	}
	implicit := with("server", "mx.example:465")
	if _, err := construct(t, implicit, ""); err != nil {
		t.Error(err)
	}
}
