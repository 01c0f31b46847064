package app

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// demoShow writes the demo's story. What terminal channels write goes in
// between, each line marked.
type demoShow struct {
	mu  sync.Mutex
	out io.Writer
}

func newDemoShow(out io.Writer) *demoShow { return &demoShow{out: out} }

func (s *demoShow) line(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format+"\n", args...)
}

func (s *demoShow) heading(text string) {
	s.line("\n%s\n%s", text, strings.Repeat("─", len([]rune(text))))
}

// screen is the terminal of somebody who is told.
func (s *demoShow) screen() io.Writer { return &demoScreen{show: s} }

type demoScreen struct {
	show *demoShow
	rest string // an unfinished line
}

// Write shows whole lines.
func (d *demoScreen) Write(p []byte) (int, error) {
	text := d.rest + string(p)
	lines := strings.Split(text, "\n")
	d.rest = lines[len(lines)-1]
	for _, l := range lines[:len(lines)-1] {
		d.show.line("  │ %s", l)
	}
	return len(p), nil
}

func (s *demoShow) introduction(def register.Definition, page, hook string) {
	s.heading("regwatch: know the moment something is listed")
	s.line(`The %s
keeps a %s: web sites, payment accounts and, since December 2025, apps that providers must block.
Here a web site on this machine publishes real versions of that list, one after the other:
  %s
regwatch fetches it whenever it is due, and tells two receivers: this screen (lines with │) of new apps
and of removals, and a webhook endpoint of everything:
  %s`, def.Authority.Name, lowerFirst(def.Title), page, hook)
}

func (s *demoShow) version(number int, v demoVersion, bytes int) {
	s.heading(fmt.Sprintf("%d. Published: %s", number, v.story))
	s.line("  %s bytes", thousands(bytes))
}

// outcome tells what a run came to, from what the store, the receiver and the
// stream have of it.
func (s *demoShow) outcome(run register.Run, changes []register.Change, got []arrival, position int64) {
	c := run.Counts
	switch run.Outcome {
	case register.OutcomeBaseline:
		s.line("  baseline: %s entries are known now; a first sight is announced to nobody", thousands(run.Entries))
	case register.OutcomeFailed:
		s.line("  refused: %s", notifier.Visible(run.Reason))
		s.line("  nothing was announced; the %s entries stand as they were", thousands(run.Entries))
	default:
		s.line("  %s: +%d −%d ~%d, %s entries now", run.Outcome, c.Added+c.Relisted, c.Removed, c.Changed, thousands(run.Entries))
		if apps := named(changes); len(apps) > 0 {
			s.line("  of the %d new entries, apps: %s", c.Added, strings.Join(apps, ", "))
		}
	}
	if run.Waiting > 0 {
		s.line("  %d entry is missing: one fetch is no proof, so nobody is told until the next tick confirms it", run.Waiting)
	}
	if len(got) > 0 {
		s.line("  webhook: %d changes, all signatures verified; the first %d ms after the page was received", len(got), got[0].at.Sub(run.ObservedAt).Milliseconds())
		s.line("  stream: sequence %d to %d, without a gap", position-int64(len(changes))+1, position)
	}
}

// named gives the names of the new apps, each with how often it stands there.
func named(changes []register.Change) []string {
	var names []string
	count := map[string]int{}
	for _, c := range changes {
		if c.Kind == register.Added && c.After.Get("category") == "app" {
			name := notifier.Visible(c.After.Get("name"))
			if count[name]++; count[name] == 1 {
				names = append(names, name)
			}
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%d × %s", count[name], name)
	}
	return names
}

func (s *demoShow) asOf(at time.Time, when string, entries, apps int) {
	s.line("  at %s, %s: %s entries, %d of them apps", at.UTC().Format("15:04:05.000 UTC"), when, thousands(entries), apps)
}

func (s *demoShow) farewell(changes, rejected int, position int64) {
	s.line("\nIn all: %s changes committed, published and delivered, each once; %d webhooks refused; sequence %d on the stream.", thousands(changes), rejected, position)
	s.heading("How to go on")
	s.line(`  go run ./cmd/regwatch init              write a commented configuration
  go run ./cmd/regwatch registers list    see what ships
  go run ./cmd/regwatch fetch us-cisa-kev one run of a real register, now
  go run ./cmd/regwatch run               the service
  docs/adding-a-register.md               watch a register of your own: one YAML file`)
}

// thousands writes a number with separators.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
