package register

import (
	"fmt"
	"strconv"
	"time"
)

// RunID numbers runs in the order in which the store recorded them; 0 is none.
// As JSON it is a string.
type RunID int64

// String gives the number in decimal.
func (id RunID) String() string { return strconv.FormatInt(int64(id), 10) }

// MarshalText writes the number in decimal.
func (id RunID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *RunID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("run %q: want a number", text)
	}
	*id = RunID(n)
	return nil
}

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run. A failed run never touches the head.
const (
	OutcomeBaseline  Outcome = "baseline"  // first complete fetch: stored, announced to nobody
	OutcomeUnchanged Outcome = "unchanged" // nothing accepted
	OutcomeChanged   Outcome = "changed"   // at least one change accepted
	OutcomeHeld      Outcome = "held"      // something is not believed yet
	OutcomeFailed    Outcome = "failed"    // nothing could be said of the register
)

// Trigger is why a run was made.
type Trigger string

// What makes a run.
const (
	TriggerSchedule Trigger = "schedule"
	TriggerManual   Trigger = "manual" // `regwatch fetch`
	TriggerImport   Trigger = "import"
	TriggerUpgrade  Trigger = "upgrade" // the definition, or our parser, changed
)

// Due is the message that asks for a run.
type Due struct {
	Register string        `json:"register"`
	Tick     time.Time     `json:"tick"` // UTC
	Trigger  Trigger       `json:"trigger"`
	Interval time.Duration `json:"interval,omitempty"` // the shorter distance to the ticks around; 0: every tick counts
}

// MessageID makes several schedulers' messages for one tick one message.
func (d Due) MessageID() string {
	return d.Register + "@" + d.Tick.UTC().Format(time.RFC3339Nano)
}

// Run is one attempt for one register, always recorded with its outcome.
type Run struct {
	ID          RunID         `json:"run"`
	Register    string        `json:"register"`
	Tick        time.Time     `json:"tick"` // the instant at which it was due
	Trigger     Trigger       `json:"trigger"`
	Origin      Origin        `json:"origin"`
	StartedAt   time.Time     `json:"started_at"`
	ObservedAt  time.Time     `json:"observed_at"` // when the last page was received
	FinishedAt  time.Time     `json:"finished_at"`
	Outcome     Outcome       `json:"outcome"`
	Partial     bool          `json:"partial"`
	NotModified bool          `json:"not_modified"`     // 304 or equal bytes: a sighting of what was read before
	Class       string        `json:"class,omitempty"`  // of the failure; see [Failure]
	Reason      string        `json:"reason,omitempty"` // of an outcome held or failed
	Counts      Counts        `json:"counts"`           // accepted changes
	Entries     int           `json:"entries"`          // of the head afterwards
	Waiting     int           `json:"waiting"`          // entries of the head that are missing
	Proof       Proof         `json:"proof"`
	Read        ReadCounts    `json:"read"`
	Pages       []Page        `json:"pages"`
	PublishedAt *time.Time    `json:"published_at"` // the register's own stamp, where it gives one
	Fingerprint string        `json:"fingerprint"`
	Sample      []string      `json:"sample,omitempty"` // of what a held run would announce, for people
	Source      RunDefinition `json:"-"`
}

// RunDefinition is what a run's changes say of their register, as the
// definition had it at the time.
type RunDefinition struct {
	Title       string `json:"title"`
	Authority   string `json:"authority"`
	Country     string `json:"country"`
	Attribution string `json:"attribution"`
	URL         string `json:"url"`
}

// Counts of accepted changes, by kind.
type Counts struct {
	Added    int `json:"added"`
	Removed  int `json:"removed"`
	Changed  int `json:"changed"`
	Relisted int `json:"relisted"`
	Rekeyed  int `json:"rekeyed"`
}

// CountOf counts accepted changes by kind.
func CountOf(accepted []Accepted) Counts {
	var c Counts
	for _, a := range accepted {
		switch a.Kind {
		case Added:
			c.Added++
		case Removed:
			c.Removed++
		case Changed:
			c.Changed++
		case Relisted:
			c.Relisted++
		case Rekeyed:
			c.Rekeyed++
		}
	}
	return c
}

// Total is the number of changes of all kinds.
func (c Counts) Total() int { return c.Added + c.Removed + c.Changed + c.Relisted + c.Rekeyed }

// ByKind gives the counts that are not zero, by the kind's name.
func (c Counts) ByKind() map[string]int {
	counts := map[string]int{}
	for kind, n := range map[Kind]int{Added: c.Added, Removed: c.Removed, Changed: c.Changed, Relisted: c.Relisted, Rekeyed: c.Rekeyed} {
		if n > 0 {
			counts[string(kind)] = n
		}
	}
	return counts
}

// Evidence gives what the run's changes rest on.
func (r Run) Evidence() Evidence {
	e := Evidence{
		URL: r.Source.URL, FetchedAt: r.ObservedAt, PublishedAt: r.PublishedAt,
		Complete: r.Proof.Complete(), Definition: r.Fingerprint, Pages: []EvidencePage{},
	}
	for _, p := range r.Pages {
		e.Pages = append(e.Pages, EvidencePage{URL: p.URL, SHA256: p.SHA256, Bytes: p.Bytes})
	}
	return e
}
