package notifier

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Limits of what people are shown, in characters.
const (
	maxTitle = 200
	maxName  = 120
	maxValue = 500
	maxPages = 3 // of the evidence
)

// Text is an event as people read it. It says only what was observed. Nothing in
// it needs escaping for a terminal, and only Source may be made a link.
type Text struct {
	Title    string   // one line
	Fields   []Line   // of the entry, or of the signal
	Evidence []string // what the event rests on, a line each
	Source   string   // URL of the register, from its definition; may be empty
	Credit   string   // words that the register's licence asks for; may be empty
}

// Line is a named value. Where Changed, Before is what it was.
type Line struct {
	Name    string
	Value   string
	Before  string
	Changed bool
}

// Render gives an event as people read it. Show writes every value that comes
// from a register, [Visible] having been at it already; nil leaves it so, and
// [Defang] suits readers that make links of text.
func Render(e register.Event, show func(string) string) Text {
	if show == nil {
		show = func(s string) string { return s }
	}
	r := renderer{show}
	switch data := e.Data.(type) {
	case register.Change:
		return r.change(data)
	case register.Signal:
		return r.signal(data)
	case Trial:
		return Text{Title: "[TEST] regwatch: test message for the subscription " + Visible(data.Subscription), Evidence: []string{data.Note, "sent at " + instant(data.At)}}
	}
	return Text{Title: "regwatch: " + Visible(e.Type)}
}

type renderer struct{ show func(string) string }

// value makes a register's text fit to be shown.
func (r renderer) value(s string, most int) string { return r.show(Shorten(Visible(s), most)) }

func (r renderer) change(c register.Change) Text {
	entry := c.After
	if entry == nil {
		entry = c.Before
	}
	t := Text{Source: webAddress(c.Evidence.URL), Credit: Visible(c.Attribution), Evidence: r.evidence(c)}
	t.Title = Shorten(fmt.Sprintf("[%s] %s: %s %s - %s", Visible(c.Country), Visible(c.Title), noun(entry), verb(c.Kind), r.name(c, entry)), maxTitle)
	if c.Kind == register.Rekeyed && c.PreviousKey != nil {
		t.Fields = append(t.Fields, Line{Name: "key", Value: r.value(c.Key.Display(), maxValue), Before: r.value(c.PreviousKey.Display(), maxValue), Changed: true})
	}
	for _, field := range entry {
		line := Line{Name: Visible(field.Name), Value: r.value(field.Text, maxValue)}
		if d, ok := c.Differences[field.Name]; ok {
			line.Before, line.Changed = r.value(d[0], maxValue), true
		}
		t.Fields = append(t.Fields, line)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Differences)) {
		if d := c.Differences[name]; entry.Get(name) == "" { // it became empty
			t.Fields = append(t.Fields, Line{Name: Visible(name), Before: r.value(d[0], maxValue), Value: r.value(d[1], maxValue), Changed: true})
		}
	}
	return t
}

// name is what people call the entry.
func (r renderer) name(c register.Change, entry register.Values) string {
	name := entry.Get(register.FieldName)
	if name == "" {
		name = c.Key.Display()
	}
	return r.value(name, maxName)
}

// noun is the entry's category where that is a plain word.
func noun(entry register.Values) string {
	category := entry.Get("category")
	if category == "" || len(category) > 20 || strings.Trim(category, "abcdefghijklmnopqrstuvwxyz ") != "" {
		return "entry"
	}
	return category
}

func verb(k register.Kind) string {
	switch k {
	case register.Relisted:
		return "listed again"
	case register.Rekeyed:
		return "listed under another key"
	}
	return string(k)
}

// evidence says what was seen, and where.
func (r renderer) evidence(c register.Change) []string {
	lines := []string{seen(c)}
	if c.ListedOn != "" {
		lines = append(lines, "the register gives as date of listing: "+r.value(string(c.ListedOn), maxName))
	}
	if c.DelistedOn != "" {
		lines = append(lines, "the register gives as date of delisting: "+r.value(string(c.DelistedOn), maxName))
	}
	for _, p := range c.EarlierPeriods {
		lines = append(lines, "was listed before, from "+instant(p.From)+" to "+instant(p.To))
	}
	if c.Evidence.PublishedAt != nil {
		lines = append(lines, "the page says it is of "+instant(*c.Evidence.PublishedAt))
	}
	if c.Partial {
		lines = append(lines, "the page may not have been whole: it shows that something is there, not that something is gone")
	}
	for i, p := range c.Evidence.Pages {
		if i == maxPages {
			lines = append(lines, fmt.Sprintf("and %d more pages", len(c.Evidence.Pages)-maxPages))
			break
		}
		lines = append(lines, fmt.Sprintf("page of %d bytes, sha256 %s", p.Bytes, Visible(p.SHA256)))
	}
	return lines
}

// seen is the observation itself.
func seen(c register.Change) string {
	at := instant(c.ObservedAt)
	switch {
	case c.Kind != register.Removed:
		return "present at " + at
	case c.After != nil:
		return "shown as no longer listed at " + at
	case c.MissingSince != nil:
		return "absent at " + instant(*c.MissingSince) + " and at " + at
	}
	return "absent at " + at
}

func (r renderer) signal(s register.Signal) Text {
	t := Text{Title: Shorten(fmt.Sprintf("[regwatch] %s: %s - %s", Visible(s.Register), Visible(string(s.State)), r.value(s.Reason, maxTitle)), maxTitle)}
	add := func(name, value string) {
		if value != "" {
			t.Fields = append(t.Fields, Line{Name: name, Value: r.value(value, maxValue)})
		}
	}
	add("register", s.Title)
	add("reason", s.Reason)
	add("class", s.Class)
	for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
		add(name, fmt.Sprint(s.Counts[name]))
	}
	for _, sample := range s.Sample {
		add("for example", sample)
	}
	add("what to do", s.Next)
	t.Evidence = []string{"observed at " + instant(s.At)}
	if s.Run != 0 {
		t.Evidence = append(t.Evidence, "run "+s.Run.String())
	}
	return t
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// webAddress lets only addresses pass that a browser opens as a page.
func webAddress(url string) string {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		return Visible(url)
	}
	return ""
}
