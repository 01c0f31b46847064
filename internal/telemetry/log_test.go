package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
)

// hostile is what a register may publish as a name.
var hostile = []string{
	"\x1b[2J\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
	"a\r\nlevel=ERROR msg=forged",
	"C1 \u009b31m, DEL \x7f, bell \a, backspace \b",
	"right to left \u202egnp.exe, zero width \u200b, isolate \u2066",
	"line \u2028 and paragraph \u2029",
	"not UTF-8 \xff\xfe",
	"language tag \U000e0041, private \U0010ffff",
}

func TestLogLinesArePlainText(t *testing.T) {
	for _, format := range []string{FormatText, FormatJSON, FormatAuto} {
		for _, text := range hostile {
			var b bytes.Buffer
			logger, err := Logger(&b, "info", format)
			if err != nil {
				t.Fatal(err)
			}
			logger.With(text, "key").Info(text, "value", text, "err", errors.New(text), "bytes", []byte(text),
				slog.Group("group", "inner", text), "any", struct{ Name string }{text})
			line, found := strings.CutSuffix(b.String(), "\n")
			if !found || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
				t.Errorf("%s: %q is logged as %q", format, text, b.String())
			}
			if format == FormatText {
				continue
			}
			var record map[string]any
			if err := json.Unmarshal(b.Bytes(), &record); err != nil {
				t.Errorf("%s: %v: %s", format, err, line)
			}
			if record["value"] != strings.ToValidUTF8(text, "\ufffd") && !strings.Contains(text, "\xff") {
				t.Errorf("%q is read back as %q", text, record["value"])
			}
		}
	}
}

func TestLogLeavesSecretsOut(t *testing.T) {
	for _, format := range []string{FormatText, FormatJSON} {
		var b bytes.Buffer
		logger, err := Logger(&b, "", format)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse("nats://user:hush@example.org")
		logger.Info("connect to nats://hush@example.org", "token", "hush", "Password", "hush", "smtp_password", "hush",
			"Authorization", "Bearer hush", slog.Group("nats", "token", "hush"), "url", u, "page", "https://a:hush@example.org/x",
			"err", errors.New(`get "https://hush:@example.org/": refused`), "tokens_seen", 3)
		if strings.Contains(b.String(), "hush") || !strings.Contains(b.String(), "example.org") || !strings.Contains(b.String(), "tokens_seen") {
			t.Errorf("%s: %s", format, b.String())
		}
	}
}

func TestLogLevelAndFormat(t *testing.T) {
	var b bytes.Buffer
	logger, err := Logger(&b, "warn", FormatAuto)
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("quiet")
	logger.Warn("loud", "after", 1500*time.Millisecond)
	if !strings.HasPrefix(b.String(), "{") || strings.Contains(b.String(), "quiet") || !strings.Contains(b.String(), `"loud","after":"1.5s"`) {
		t.Errorf("logged %q, want one line of JSON", b.String())
	}
	if _, err := Logger(&b, "loud", ""); err == nil || !strings.Contains(err.Error(), `"loud"`) {
		t.Errorf("level: %v", err)
	}
	if _, err := Logger(&b, "", "xml"); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("format: %v", err)
	}
}

func FuzzEscapeJSON(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		escaped := escapeJSON(plain)
		var want, got string
		if json.Unmarshal(plain, &want) != nil || json.Unmarshal(escaped, &got) != nil || got != want {
			t.Errorf("%q became %q: %q, want %q", plain, escaped, got, want)
		}
	})
}
