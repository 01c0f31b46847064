package telemetry

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

// Formats of [Logger].
const (
	FormatAuto = ""     // text on a terminal, JSON elsewhere
	FormatText = "text" // key=value
	FormatJSON = "json" // an object a line
)

// Logger writes lines of the given least level (debug, info, warn, error; empty:
// info) in the given format. A value can not be more than text to the terminal
// that shows the line, whatever a hostile page put into it; values of attributes
// named like secrets, and the user part of URLs, are left out.
func Logger(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if level != "" {
		if err := least.UnmarshalText([]byte(level)); err != nil {
			return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
		}
	}
	options := &slog.HandlerOptions{Level: least, ReplaceAttr: redact}
	switch {
	case format == FormatText, format == FormatAuto && isTerminal(w):
		return slog.New(slog.NewTextHandler(w, options)), nil // quotes what is not printable
	case format == FormatJSON, format == FormatAuto:
		return slog.New(slog.NewJSONHandler(printable{w}, options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd()))
}

// secretKeys are attributes whose values are never written.
var secretKeys = regexp.MustCompile(`(?i)(^|_|-)(token|secret|password|passwd|authorization|cookie|credentials|signature)s?$`)

// userInfo is the user part of a URL inside a text.
var userInfo = regexp.MustCompile(`://[^/\s@"']+@`)

const left = "[left out]"

func redact(_ []string, a slog.Attr) slog.Attr {
	if secretKeys.MatchString(a.Key) {
		return slog.String(a.Key, left)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, withoutUser(a.Value.String()))
	case slog.KindDuration: // JSON would have nanoseconds
		return slog.String(a.Key, a.Value.Duration().String())
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case error:
			return slog.String(a.Key, withoutUser(v.Error()))
		case *url.URL:
			return slog.String(a.Key, withoutUser(v.String()))
		case fmt.Stringer:
			return slog.String(a.Key, withoutUser(v.String()))
		}
	}
	return a
}

func withoutUser(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	return userInfo.ReplaceAllString(text, "://"+left+"@")
}

// printable escapes, in JSON, the characters that JSON lets through and a
// terminal obeys: DEL, C1 controls, bidirectional overrides, and the like. They
// can stand nowhere but inside a JSON string.
type printable struct{ w io.Writer }

// Write takes a whole line, as slog hands it over.
func (p printable) Write(line []byte) (int, error) {
	if _, err := p.w.Write(escapeJSON(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

func escapeJSON(line []byte) []byte {
	clean := func(r rune) bool { return r == '\n' || r != utf8.RuneError && unicode.IsPrint(r) }
	if !strings.ContainsFunc(string(line), func(r rune) bool { return !clean(r) }) {
		return line
	}
	var b strings.Builder
	for _, r := range string(line) {
		switch {
		case clean(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String())
}
