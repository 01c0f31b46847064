package pipeline

import (
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
