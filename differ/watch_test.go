package differ_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// register of the judge's rows: key, name and three more fields.
var judged = register.Definition{Key: []string{"id"}, Fields: []register.Field{
	{Name: "id"}, {Name: "name"}, {Name: "reason"}, {Name: "listed_on", Type: register.TypeDate},
}}

// day is between the ticks of a gate: six hours make a dozen within the default
// expect.hold.release_after.
const between = 6 * time.Hour

// gate plays pages through Diff, Relate and Judge, as the pipeline does: against
// the head, and against what is held.
type gate struct {
	t       *testing.T
	head    []register.Entry
	held    register.Snapshot
	memory  register.Memory
	expect  register.Expect
	at      time.Time
	partial bool
	odd     map[string]int
	earlier map[register.Key][]register.Period
	verdict differ.Verdict
}

// newGate begins with a baseline of these rows.
func newGate(t *testing.T, rows ...string) *gate {
	s := snapshot(rows...)
	g := &gate{t: t, head: s.Entries, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	g.memory.Accept(s.Digest())
	g.memory.Health = register.Health{Known: true, Filled: s.Filled()}
	return g
}

// page judges a page of the next tick.
func (g *gate) page(rows ...string) *gate {
	g.t.Helper()
	g.at = g.at.Add(between)
	return g.judge(false, snapshot(rows...))
}

// pageWith judges one on which these rows say that they were delisted.
func (g *gate) pageWith(delisted []string, rows ...string) *gate {
	g.t.Helper()
	g.at = g.at.Add(between)
	s := snapshot(rows...)
	s.Delisted = snapshot(delisted...).Entries
	return g.judge(false, s)
}

// approve judges what is held as a person does who believes it.
func (g *gate) approve(rows ...string) *gate {
	g.t.Helper()
	return g.judge(true, snapshot(rows...))
}

func (g *gate) judge(approved bool, s register.Snapshot) *gate {
	g.t.Helper()
	def := judged
	def.Expect = g.expect
	toHead := differ.Relate(differ.Diff(register.Snapshot{Entries: g.head}, s), def)
	var toHeld *differ.Differences
	if g.memory.Held != nil {
		d := differ.Relate(differ.Diff(g.held, s), def)
		toHeld = &d
	}
	g.verdict = differ.Judge(toHead, toHeld, differ.Seen{
		At: g.at, Tick: g.at, Interval: between, Complete: !g.partial, Digest: s.Digest(), Filled: s.Filled(), Odd: g.odd,
		Earlier: g.earlier, Approved: approved,
	}, g.expect, g.memory)
	g.memory = g.verdict.Memory
	if g.memory.Held != nil && !g.partial {
		g.held = s
	}
	if g.verdict.Outcome != register.OutcomeHeld && !g.partial {
		g.memory.Health = register.Health{Known: true, Filled: s.Filled(), Odd: g.odd}
	}
	g.apply()
	return g
}

// apply carries out what was accepted.
func (g *gate) apply() {
	for _, a := range g.verdict.Accepted {
		if a.Before != nil {
			g.head = slices.DeleteFunc(slices.Clone(g.head), func(e register.Entry) bool { return e.Key == a.Before.Key && e.Content == a.Before.Content })
		}
		if a.Kind != register.Removed {
			g.head = append(slices.Clone(g.head), *a.After)
		}
	}
}

// wants fails unless the last page came to that: the outcome and the counts, as
// "changed +1 -2 ~3 =4 ?5": added and relisted, removed, changed, rekeyed, waiting.
func (g *gate) wants(want string) *gate {
	g.t.Helper()
	c := register.CountOf(g.verdict.Accepted)
	got := string(g.verdict.Outcome)
	for _, part := range []struct {
		mark string
		n    int
	}{{"+", c.Added + c.Relisted}, {"-", c.Removed}, {"~", c.Changed}, {"=", c.Rekeyed}, {"?", len(g.memory.Missing)}} {
		if part.n > 0 {
			got += fmt.Sprintf(" %s%d", part.mark, part.n)
		}
	}
	if got != want {
		g.t.Fatalf("%s, want %s (held: %+v)", got, want, g.memory.Held)
	}
	return g
}

// alarmed fails unless exactly these thresholds are said to be crossed.
func (g *gate) alarmed(want ...register.Alarm) *gate {
	g.t.Helper()
	if g.memory.Held == nil {
		g.t.Fatalf("nothing is held, want %v", want)
	}
	if diff := cmp.Diff(want, g.memory.Held.Alarms); diff != "" {
		g.t.Fatal(diff)
	}
	return g
}

// ended fails unless the last page ended the hold, for a reason that says so.
func (g *gate) ended(says string) *gate {
	g.t.Helper()
	if g.memory.Held != nil || !strings.Contains(g.verdict.Released, says) {
		g.t.Fatalf("held %+v, released %q, want an end that says %q", g.memory.Held, g.verdict.Released, says)
	}
	return g
}

// list makes rows of the numbers from and up to to, each filled.
func list(from, to int) []string {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf("%d|name %d|reason %d|2020-01-01", i, i, i))
	}
	return rows
}

// with changes the first n rows.
func with(rows []string, n int, change func(cells []string)) []string {
	rows = slices.Clone(rows)
	for i := range n {
		cells := strings.Split(rows[i], "|")
		change(cells)
		rows[i] = strings.Join(cells, "|")
	}
	return rows
}

func otherReason(cells []string) { cells[2] = "other " + cells[0] }
func noReason(cells []string)    { cells[2] = "" }
