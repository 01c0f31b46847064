package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// signals gives what the operator must hear of this run, and notes it in the
// memory so that a story is told once: when it begins, when its kind changes,
// and when it ends. An import tells its stories on the screen.
func (t *tick) signals() []register.Signal {
	if t.due.Trigger == register.TriggerImport {
		return nil
	}
	switch {
	case t.run.Outcome == register.OutcomeFailed:
		return append(t.failed(), t.silent()...)
	case t.run.Origin == register.Upgrade:
		return t.upgraded()
	}
	signals := t.heldAndReleased()
	if t.run.Proof.Complete() {
		signals = slices.Concat(signals, t.recovered(), t.reshaped(), t.moved())
	} else {
		signals = append(signals, t.silent()...)
	}
	if gap := t.gapClosed(); gap != nil {
		signals = append(signals, *gap)
	}
	return signals
}

// heldAndReleased tells of a hold when it begins and when it ends.
func (t *tick) heldAndReleased() []register.Signal {
	before, now := t.head.Memory.Held, t.memory.Held
	switch {
	case before == nil && now != nil:
		s := t.signal(register.StateHeld, t.run.Reason,
			"Nobody else was told. `regwatch runs --held` shows it. If the register really says so, `regwatch approve RUN`; if not, `regwatch reject RUN`. If it goes on to show the same, it is believed by itself.")
		s.Counts = map[string]int{"removed": now.Removed, "added": now.Added, "changed": now.Changed}
		s.Sample = t.run.Sample
		return []register.Signal{s}
	case before != nil && now == nil && t.released != "":
		s := t.signal(register.StateReleased, "what run "+before.Run.String()+" held is decided: "+t.released, "")
		s.Counts = t.run.Counts.ByKind()
		return []register.Signal{s}
	}
	return nil
}

func (t *tick) failed() []register.Signal {
	story := t.head.Memory.Failing
	if story != nil && story.Class == t.run.Class {
		t.memory.Failing = &register.Failing{Class: story.Class, Reason: t.run.Reason, Since: story.Since, Runs: story.Runs + 1}
		return nil
	}
	t.memory.Failing = &register.Failing{Class: t.run.Class, Reason: t.run.Reason, Since: t.run.ObservedAt, Runs: 1}
	if story != nil { // it goes on, and its kind has changed
		t.memory.Failing.Since, t.memory.Failing.Runs = story.Since, story.Runs+1
	}
	state := register.StateFailed
	if t.run.Class == register.ClassShape {
		state = register.StateSchemaChanged
	}
	next := "Nothing was announced and nothing is lost; the next run tries again. `regwatch runs --register " + t.def.ID + "` shows what came."
	return []register.Signal{t.signal(state, t.run.Reason, next)}
}

// recovered ends the story of failures, and that of silence.
func (t *tick) recovered() []register.Signal {
	story, stale := t.head.Memory.Failing, t.head.Memory.Silence.Stale
	t.memory.Failing = nil
	t.memory.Silence.Incomplete, t.memory.Silence.Stale = 0, false
	switch {
	case story != nil:
		reason := fmt.Sprintf("read whole again after %s; it had failed since %s: %s",
			plural(story.Runs, "failed run"), stamp(story.Since), story.Reason)
		return []register.Signal{t.signal(register.StateRecovered, reason, "")}
	case stale:
		return []register.Signal{t.signal(register.StateRecovered, "read whole again; it had been stale", "")}
	}
	return nil
}

// reshaped tells of columns that came, went or were renamed without harm.
func (t *tick) reshaped() []register.Signal {
	before, after := t.head.Memory.Health, t.memory.Health
	if !before.Known || !after.Known || slices.Equal(before.Shape.Columns, after.Shape.Columns) {
		return nil
	}
	reason := "the columns are not what they were"
	if gone := lacking(before.Shape.Columns, after.Shape.Columns); len(gone) > 0 {
		reason += "; gone: " + strings.Join(gone, ", ")
	}
	if come := lacking(after.Shape.Columns, before.Shape.Columns); len(come) > 0 {
		reason += "; new: " + strings.Join(come, ", ")
	}
	return []register.Signal{t.signal(register.StateSchemaChanged, reason,
		"Every declared field was found, so the run counts. See whether a new column is worth a field of the definition.")}
}

// gapClosed tells of the changes between the last archived version and now,
// which reach nobody else.
func (t *tick) gapClosed() *register.Signal {
	if t.run.Origin != register.Import || t.run.Counts.Total() == 0 {
		return nil
	}
	s := t.signal(register.StateRecovered, "caught up from the last imported version to the present; these changes are recorded and not announced", "")
	s.Counts = t.run.Counts.ByKind()
	return &s
}

func (t *tick) upgraded() []register.Signal {
	s := t.signal(register.StateUpgraded, "the definition or our parser changed; the head was read anew from its archived pages, and nobody was told of what differs", t.hint)
	s.Counts = t.run.Counts.ByKind()
	return append(t.heldAndReleased(), s)
}

func (t *tick) signal(state register.State, reason, next string) register.Signal {
	return register.Signal{
		Register: t.def.ID, Title: t.def.Title, State: state, At: t.run.ObservedAt,
		Class: t.run.Class, Reason: reason, Next: next,
	}
}

func lacking(these, those []string) []string {
	var left []string
	for _, s := range these {
		if !slices.Contains(those, s) {
			left = append(left, s)
		}
	}
	return left
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
