// Package terminal tells people who watch: two lines for each event.
//
// It promises that no text from a register reaches the terminal as anything but
// visible characters, and that there is colour only on a terminal.
package terminal

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

const (
	maxDetails = 300 // characters of the second line's values
	shortHash  = 12  // hexadecimal digits that tell pages apart
)

// Terminal writes events for people to a stream.
type Terminal struct {
	out    io.Writer
	colour bool
}

// Check reads the settings.
func Check(s *notifier.Settings) { colourOf(s) }

func colourOf(s *notifier.Settings) string { return s.OneOf("colour", "auto", "always", "never") }

// New makes a Terminal that writes to tools.Out.
func New(s *notifier.Settings, tools notifier.Tools) (notifier.Channel, error) {
	t := &Terminal{out: tools.Out}
	switch colourOf(s) {
	case "always":
		t.colour = true
	case "auto":
		file, ok := tools.Out.(*os.File)
		t.colour = ok && isatty.IsTerminal(file.Fd())
	}
	return t, nil
}

// Send writes the event in one write, so that lines of several channels do not
// mix.
func (t *Terminal) Send(_ context.Context, m notifier.Message) error {
	text := notifier.Render(m.Event, nil)
	if _, err := io.WriteString(t.out, t.title(m.Event, text.Title)+"\n    "+details(m.Event, text)+"\n"); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// details is the second line: what changed, or the entry, and what it rests on.
func details(e register.Event, text notifier.Text) string {
	changed, isChange := e.Data.(register.Change)
	var parts, last []string
	for _, f := range text.Fields {
		switch {
		case f.Changed:
			parts = append(parts, fmt.Sprintf("%s: %s → %s", f.Name, orNone(f.Before), orNone(f.Value)))
		case isChange && (changed.Kind == register.Changed || f.Name == register.FieldName || f.Name == "category"):
			// of a change, only the differences; the rest stands in the title
		case !isChange && f.Name == "reason":
			if !strings.HasSuffix(text.Title, f.Value) { // a long one, which stands in the title in part
				last = append(last, f.Name+": "+f.Value)
			}
		default:
			parts = append(parts, f.Name+": "+f.Value)
		}
	}
	line := notifier.Shorten(strings.Join(append(parts, last...), " · "), maxDetails)
	for _, fact := range text.Evidence[:min(1, len(text.Evidence))] {
		line += " · " + fact
	}
	if isChange && len(changed.Evidence.Pages) > 0 {
		line += ", sha256 " + notifier.Shorten(notifier.Visible(changed.Evidence.Pages[0].SHA256), shortHash)
	}
	return strings.TrimPrefix(line, " · ")
}

func orNone(value string) string {
	if value == "" {
		return "(nothing)"
	}
	return value
}

// title gives the first line, coloured by what happened.
func (t *Terminal) title(e register.Event, title string) string {
	if !t.colour {
		return title
	}
	colour := "35" // signals: magenta
	if c, ok := e.Data.(register.Change); ok {
		switch c.Kind {
		case register.Added, register.Relisted:
			colour = "32"
		case register.Removed:
			colour = "31"
		default:
			colour = "33"
		}
	}
	return "\x1b[1;" + colour + "m" + title + "\x1b[0m"
}
