package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// staleTicks is how many due ticks without a complete fetch make a register
// stale.
const staleTicks = 2

// silent counts a due tick without a complete fetch, and tells once when there
// are too many in a row.
func (t *tick) silent() []register.Signal {
	if t.due.Trigger != register.TriggerSchedule {
		return nil
	}
	silence := &t.memory.Silence
	silence.Incomplete++
	if silence.Stale || silence.Incomplete < staleTicks || !t.head.Baselined {
		return nil
	}
	silence.Stale = true
	reason := fmt.Sprintf("not read whole for %d due ticks; the last complete fetch was at %s", silence.Incomplete, stamp(t.head.SeenAt))
	return []register.Signal{t.signal(register.StateStale, reason,
		"What the register says now is not known. `regwatch runs --register "+t.def.ID+"` shows what comes in its place.")}
}

// TellStale tells, once per silence, that no run was made since an attempt (the
// zero time: ever) although two were due. It is idempotent; where a later attempt
// was recorded, or comes between, it tells nothing.
func (p *Pipeline) TellStale(ctx context.Context, def register.Definition, attempt time.Time) (told bool, err error) {
	head, err := p.Heads.Head(ctx, def.ID)
	if err != nil {
		return false, fmt.Errorf("tell that %s is stale: %w", def.ID, err)
	}
	last, err := p.Heads.LastAttempt(ctx, def.ID) // after the head: a run that is recorded from now on moves it
	if err != nil || head.Memory.Silence.Stale || !last.Equal(attempt) {
		return false, err
	}
	head.Memory.Silence.Stale = true
	c := register.Commit{HeadVersion: head.Version, Run: register.Run{Register: def.ID}, Memory: head.Memory, Signals: []register.Signal{{
		Register: def.ID, Title: def.Title, State: register.StateStale, At: p.Now().UTC(), Reason: unattended(head, attempt),
		Next: "What the register says now is not known. See whether a process with the role scrape is running and reaches the broker; `regwatch doctor` helps.",
	}}}
	err = p.Commits.Tell(ctx, c)
	if errors.Is(err, register.ErrHeadMoved) {
		return false, nil
	}
	return err == nil, err
}

func unattended(head register.Head, attempt time.Time) string {
	switch {
	case attempt.IsZero():
		return "due for two ticks, and no run of it was ever made"
	case !head.Baselined:
		return fmt.Sprintf("due for two ticks, and no run of it was made since %s; there never was a complete fetch", stamp(attempt))
	}
	return fmt.Sprintf("due for two ticks, and no run of it was made since %s; the last complete fetch was at %s", stamp(attempt), stamp(head.SeenAt))
}

// moved notes when the entries last became other ones, and tells once when a
// register that is read happily has not changed for longer than is usual.
func (t *tick) moved() []register.Signal {
	before, silence := t.head.Memory, &t.memory.Silence
	if silence.ChangedAt.IsZero() || t.memory.Seen != before.Seen {
		silence.ChangedAt = t.run.ObservedAt
		if silence.Frozen {
			silence.Frozen = false
			return []register.Signal{t.signal(register.StateRecovered, "its entries have changed; it had been frozen", "")}
		}
		return nil
	}
	most := t.def.Expect.FreshWithin
	if most == 0 || silence.Frozen || t.run.ObservedAt.Sub(silence.ChangedAt) <= most {
		return nil
	}
	silence.Frozen = true
	reason := fmt.Sprintf("read whole, and its entries are the same since %s, longer than expect.fresh_within, %s", stamp(silence.ChangedAt), days(most))
	return []register.Signal{t.signal(register.StateFrozen, reason,
		"See whether the authority publishes elsewhere by now, or raise expect.fresh_within.")}
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}
