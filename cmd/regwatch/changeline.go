package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

func (p *program) changeLines(changes []register.Change) error {
	for _, c := range changes {
		if err := p.line(c); err != nil {
			return err
		}
	}
	return nil
}

// computedLine is a change as JSON that was computed and not recorded: what only
// a record has is null, and not a time of the year 1 that somebody might believe.
type computedLine struct {
	register.Change
	ID         *string            `json:"id"`
	Origin     *register.Origin   `json:"origin"`
	ObservedAt *time.Time         `json:"observed_at"`
	FirstSeen  *time.Time         `json:"first_seen"`
	LastSeen   *time.Time         `json:"last_seen"`
	ListedOn   register.Date      `json:"listed_on"`
	DelistedOn register.Date      `json:"delisted_on"`
	Run        *string            `json:"run"`
	Evidence   *register.Evidence `json:"evidence"`
}

func newComputedLine(c register.Change) computedLine {
	entry := c.After
	if entry == nil {
		entry = c.Before
	}
	return computedLine{Change: c, ListedOn: register.Date(entry.Get(register.FieldListedOn)), DelistedOn: register.Date(entry.Get(register.FieldDelistedOn))}
}

// changeTable shows changes of several registers to people.
func (p *program) changeTable(changes []register.Change) {
	t := newTable(p.out, "OBSERVED", "REGISTER", "KIND", "ENTRY", "WHAT")
	for _, c := range changes {
		t.row(when(c.ObservedAt), c.Register, string(c.Kind), c.Key.Display(), whatChanged(c))
	}
	t.flush()
}

// whatChanged says on one line what a change is about, beside its key.
func whatChanged(c register.Change) string {
	var parts []string
	switch c.Kind {
	case register.Rekeyed:
		if c.PreviousKey != nil {
			parts = append(parts, "was "+c.PreviousKey.Display())
		}
	case register.Relisted:
		parts = append(parts, "listed before: "+count(len(c.EarlierPeriods), "period"))
	case register.Removed:
		if c.MissingSince != nil {
			parts = append(parts, "missing since "+when(*c.MissingSince))
		}
	case register.Added:
		parts = append(parts, fieldsLine(c.After))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Differences)) {
		d := c.Differences[name]
		parts = append(parts, fmt.Sprintf("%s: %q → %q", name, d[0], d[1]))
	}
	return strings.Join(parts, "; ")
}

// countsLine says how many changes there are of each kind.
func countsLine(c register.Counts) string {
	counts := c.ByKind()
	var parts []string
	for _, kind := range register.Kinds {
		if n := counts[string(kind)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	if len(parts) == 0 {
		return "no changes"
	}
	return strings.Join(parts, ", ")
}

// kindsLine lists the kinds for help and errors.
func kindsLine() string {
	var names []string
	for _, kind := range register.Kinds {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}
