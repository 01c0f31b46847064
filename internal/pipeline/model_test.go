package pipeline_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// model is what the head must be after each fetch, told in a few lines: number →
// name, and how many ticks in a row lacked it. Of an entry that was missing until
// a cut page showed it with other content, or among strangers, no page is known
// on which a changed definition could read what is believed of it.
type model struct {
	head    map[string]string
	lacking map[string]int
	unread  map[string]bool

	accepted []string // whole pages that were believed, the latest last
	last     string   // the last whole page
}

// older reports whether a whole page is an earlier one that is served again: it
// confirms no removal.
func (m *model) older(page string) bool {
	m.last = page
	if n := len(m.accepted); n > 0 && m.accepted[n-1] != page && slices.Contains(m.accepted, page) {
		return true
	}
	m.accepted = append(m.accepted, page)
	return false
}

// whole is a complete fetch.
func (m *model) whole(page map[string]string) {
	older := m.older(csvOf(page))
	for number := range m.head {
		if _, shown := page[number]; shown || older && m.lacking[number] > 0 {
			continue
		}
		if m.lacking[number]++; m.lacking[number] == register.DefaultConfirm {
			delete(m.head, number)
			delete(m.lacking, number)
			delete(m.unread, number)
		}
	}
	for number, name := range page {
		m.head[number] = name
		delete(m.lacking, number)
		delete(m.unread, number)
	}
}

// part is a fetch that was cut behind the page.
func (m *model) part(page map[string]string) {
	known := 0
	for number := range page {
		if _, believed := m.head[number]; believed {
			known++
		}
	}
	for number, name := range page {
		if m.lacking[number] > 0 && (m.head[number] != name || 2*known < len(page)) {
			m.unread[number] = true
		}
		delete(m.lacking, number)
	}
	for number, name := range page {
		if _, believed := m.head[number]; !believed && 2*known >= len(page) {
			m.head[number] = name
		}
	}
}

// Whatever comes in whatever order, whole, cut, broken or the same again, and
// also when the definition changes: the head is what the rules say, and whoever
// follows the announced changes has the same.
func TestHeadAndChangesFollowTheModel(t *testing.T) {
	numbers := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}), 1, 5, rapid.ID)
	b := newBench(t)
	b.def.Expect.Thresholds.Removed, b.def.Expect.Thresholds.Changed = 1, 1 // nothing is held: holds have a model of their own
	first, registers, steps := b.def, 0, 12
	if underRace {
		steps = 4
	}
	rapid.Check(t, func(r *rapid.T) {
		registers++
		b.def = first
		b.def.ID = fmt.Sprintf("xx-list-%d", registers)
		m := model{head: map[string]string{}, lacking: map[string]int{}, unread: map[string]bool{}}
		follower := map[string]string{} // number → name as published
		var page map[string]string
		for step := range steps {
			kind := rapid.SampledFrom([]string{"whole", "whole", "whole", "again", "part", "broken", "upgrade"}).Draw(r, "kind")
			if page == nil || kind == "whole" || kind == "part" {
				page = map[string]string{}
				for _, number := range numbers.Draw(r, "numbers") {
					page[number] = rapid.SampledFrom([]string{"a", "b"}).Draw(r, "name")
				}
			}
			if step == 0 || kind == "upgrade" && len(m.unread) > 0 {
				kind = "whole"
			}
			switch kind {
			case "upgrade": // the same name, shown otherwise
				b.def.Fields = slices.Clone(b.def.Fields)
				b.def.Fields[1].Map = map[string]string{"a": fmt.Sprintf("a%d", step), "b": "b"}
				m.accepted = []string{m.last}
				fallthrough
			case "whole", "again":
				b.site.Publish("/list.csv", csvPage(csvOf(page)))
				m.whole(page)
			case "part":
				b.site.Publish("/list.csv", csvPage(csvOf(page)+"9,c"))
				m.part(page)
			case "broken":
				b.site.Publish("/list.csv", testsite.Plain("text/html", []byte("<html><title>Maintenance</title></html>")))
			}
			run, changes := b.run()
			if step == 0 {
				follower = maps.Clone(page)
			}
			follow(r, follower, changes)
			shown := headOf(b)
			if !maps.Equal(shown, m.head) || !maps.Equal(follower, m.head) || run.Waiting != len(m.lacking) {
				r.Fatalf("step %d, %s: the head is %v, the changes give %v with %d missing, want %v with %v", step, kind, shown, follower, run.Waiting, m.head, m.lacking)
			}
		}
	})
}

// TestUpgradeKnowsTheWholePageAgain changes the definition after a cut page, which is
// no version: the version before it is served again later, and confirms no removal.
func TestUpgradeKnowsTheWholePageAgain(t *testing.T) {
	b := newBench(t)
	b.def.Expect.Thresholds.Removed, b.def.Expect.Thresholds.Changed = 1, 1
	publish := func(rows string, cut ...string) {
		b.site.Publish("/list.csv", csvPage("id,name\n"+rows+strings.Join(cut, "")))
	}
	publish("1,a\n")
	b.expect(register.OutcomeBaseline, register.Counts{})
	publish("5,b\n")
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	publish("1,a\n5,b\n", "9,c") // cut: 1 is there again
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.def.Fields = slices.Clone(b.def.Fields)
	b.def.Fields[1].Map = map[string]string{"a": "A", "b": "b"}
	publish("1,a\n5,b\n")
	b.expect(register.OutcomeUnchanged, register.Counts{})
	publish("5,a\n")
	if run := b.expect(register.OutcomeChanged, register.Counts{Changed: 1}); run.Waiting != 1 {
		t.Errorf("%d wait for a confirmation, want 1", run.Waiting)
	}
	publish("5,b\n")
	if run := b.expect(register.OutcomeChanged, register.Counts{Changed: 1}); run.Waiting != 1 {
		t.Errorf("an older version confirmed a removal: %d wait, want 1", run.Waiting)
	}
}

func csvOf(page map[string]string) string {
	var rows strings.Builder
	rows.WriteString("id,name\n")
	for _, number := range slices.Sorted(maps.Keys(page)) {
		rows.WriteString(number + "," + page[number] + "\n")
	}
	return rows.String()
}

// follow carries out announced changes, and refuses those that change nothing.
func follow(t *rapid.T, known map[string]string, changes []register.Change) {
	for _, c := range changes {
		number := c.Key.Values()[0]
		name, have := known[number]
		after := published(c.After.Get("name"))
		switch {
		case c.Origin != register.Watch:
			t.Fatalf("a change of origin %s among those of the run", c.Origin)
		case c.Kind == register.Removed && have:
			delete(known, number)
		case (c.Kind == register.Added || c.Kind == register.Relisted) && !have, c.Kind == register.Changed && have && name != after:
			known[number] = after
		default:
			t.Fatalf("%s of %s, %q, to whoever knows %v", c.Kind, number, after, known)
		}
	}
}

func headOf(b *bench) map[string]string {
	head := map[string]string{}
	for _, line := range b.head() {
		number, name, _ := strings.Cut(line, " ")
		head[number] = published(name)
	}
	return head
}

// published gives a name as the page has it.
func published(name string) string { return name[:min(len(name), 1)] }
