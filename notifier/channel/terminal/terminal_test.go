package terminal_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/notifier/channel/terminal"
	"github.com/regwatch/regwatch/register"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func channel(t *testing.T, colour string, out *bytes.Buffer) notifier.Channel {
	t.Helper()
	settings := notifier.NewSettings(register.Channel{Name: "screen", Type: "terminal", Settings: map[string]any{"colour": colour}})
	c, err := terminal.New(settings, notifier.Tools{Out: out})
	if err != nil || len(settings.Wrong()) > 0 {
		t.Fatal(err, settings.Wrong())
	}
	return c
}

func instant(day, hour int) time.Time { return time.Date(2025, 12, day, hour, 27, 29, 0, time.UTC) }

// changes are one of each kind, the last ones hostile.
func changes() []register.Change {
	casino := register.Values{{Name: "category", Text: "app"}, {Name: "name", Text: "Wishwin Casino"}, {Name: "app_id", Text: "1471829374"}, {Name: "listed_on", Text: "2025-12-22"}}
	base := register.Change{
		Register: "cz-mf-blocklist", Title: "List of unauthorised internet games", Country: "CZ", ObservedAt: instant(23, 2),
		Key: register.NewKey("app", "", "Wishwin Casino"),
		Evidence: register.Evidence{URL: "https://mf.example/list.csv", Pages: []register.EvidencePage{
			{SHA256: strings.Repeat("0123456789abcdef", 4), Bytes: 1234},
		}},
	}
	with := func(kind register.Kind, before, after register.Values) register.Change {
		c := base
		c.Kind, c.Before, c.After = kind, before, after
		return c
	}
	missing, previous := instant(22, 4), register.NewKey("app", "", "Wish Casino")
	removed := with(register.Removed, casino, nil)
	removed.MissingSince = &missing
	delisted := with(register.Removed, casino, casino)
	amended := with(register.Changed, casino, casino)
	amended.Differences = map[string]register.Difference{"app_id": {"17", "1471829374"}, "reason": {"§ 82", ""}, "listed_on": {"", "2025-12-22"}}
	rekeyed := with(register.Rekeyed, casino, casino)
	rekeyed.PreviousKey = &previous
	hostile := with(register.Added, nil, register.Values{
		{Name: "name", Text: "\x1b[2J\x1b]8;;http://evil\a\u202eevil\u200b\r\nBcc: x@y\tü 中"},
		{Name: "category", Text: "<b>"},
		{Name: "broken", Text: "a\xffb\u0085"},
		{Name: "reason", Text: strings.Repeat("very long ", 100)},
	})
	nameless := with(register.Added, nil, register.Values{{Name: "domain", Text: "evil.example.com"}})
	nameless.Key = register.NewKey("site", "evil.example.com", "")
	return []register.Change{with(register.Added, nil, casino), with(register.Relisted, casino, casino), removed, delisted, amended, rekeyed, hostile, nameless}
}

func events(t *testing.T) (list []register.Event) {
	t.Helper()
	for _, c := range changes() {
		list = append(list, register.NewChangeEvent("", c))
	}
	trial, err := notifier.NewTrial("t1", "new-apps", "", instant(23, 3))
	if err != nil {
		t.Fatal(err)
	}
	return append(list, register.NewSignalEvent("", register.Signal{
		Register: "cz-mf-blocklist", Title: "List", State: register.StateFailed, Run: 12, At: instant(23, 3), Class: "wrong_thing",
		Reason: "a web page in place of the file:\x1b[31m <title>Login</title>", Counts: map[string]int{"rows": 0}, Next: "look at the page",
	}), trial.Event)
}

func TestGolden(t *testing.T) {
	for _, colour := range []string{"never", "always"} {
		var out bytes.Buffer
		c := channel(t, colour, &out)
		for _, e := range events(t) {
			if err := c.Send(t.Context(), notifier.Message{Event: e}); err != nil {
				t.Fatal(err)
			}
		}
		path := "testdata/" + colour + ".golden"
		if *update {
			if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(want, out.Bytes()) {
			t.Errorf("%s: %v\n%s", path, err, out.String())
		}
		if got := out.String(); colour == "never" && strings.ContainsAny(got, "\x1b\a\u202e\u200b\r\t\u0085") {
			t.Errorf("control characters reach the terminal: %q", got)
		}
		if lines := strings.Count(out.String(), "\n"); lines != 2*len(events(t)) {
			t.Errorf("%d lines for %d events", lines, len(events(t)))
		}
	}
}

func TestALongReasonDoesNotPushOutWhatToDo(t *testing.T) {
	var out bytes.Buffer
	e := register.NewSignalEvent("", register.Signal{
		Register: "xx-list", Title: "List", State: register.StateFailed, At: instant(23, 3),
		Class: "unreachable", Reason: strings.Repeat("no such host, ", 40), Next: "look at the page",
	})
	if err := channel(t, "never", &out).Send(t.Context(), notifier.Message{Event: e}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "what to do: look at the page · reason: no such host, no such") {
		t.Error(text)
	}
}

func TestNoColourWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	if err := channel(t, "auto", &out).Send(t.Context(), notifier.Message{Event: events(t)[0]}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q", out.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestBrokenOutputIsAnError(t *testing.T) {
	c, err := terminal.New(notifier.NewSettings(register.Channel{}), notifier.Tools{Out: broken{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), notifier.Message{Event: events(t)[0]}); err == nil {
		t.Error("no error")
	}
}
