package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// Logger writes lines of the given least level (debug, info, warn, error) in the
// given form (text, json). Both quote values, so that control characters of a
// hostile page reach no terminal.
func Logger(w io.Writer, level, format string) (*slog.Logger, error) {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}
