package register

import (
	"slices"
	"time"
)

// Head is the entries of a register that are believed now; the entries
// themselves are read apart.
type Head struct {
	Register    string
	Version     int64     // raised by every Commit; 0: nothing was ever committed
	Baselined   bool      // a complete fetch has been accepted
	Run         RunID     // last run whose changes, or whose baseline, made the entries
	SeenRun     RunID     // last complete fetch
	SeenAt      time.Time // when that was
	BelievedRun RunID     // last complete fetch of which nothing was held, and that no person rejected
	Entries     int
	Sequence    int64  // of the last announced change
	Fingerprint string // of what read the entries
	Origin      Origin // of the last complete fetch; import: the gap to the present is still open
	Memory      Memory
}

// Memory is what earlier runs left for the judgement of later ones. It is
// committed with the run that made it.
type Memory struct {
	Missing    []Missing  `json:"missing,omitempty"`
	Validators Validators `json:"validators,omitzero"`
	Health     Health     `json:"health,omitzero"`
	Failing    *Failing   `json:"failing,omitempty"` // since the last complete fetch
	Silence    Silence    `json:"silence,omitzero"`
	Held       *Held      `json:"held,omitempty"`
	Accepted   []Hash     `json:"accepted,omitempty"` // digests of snapshots that were believed, oldest first; see [MaxAccepted]
	Older      *Older     `json:"older,omitempty"`
	Rejected   []Hash     `json:"rejected,omitempty"` // digests of snapshots that a person rejected
	Seen       Hash       `json:"seen,omitzero"`      // digest of the last complete fetch, believed or not
	Parts      []RunID    `json:"parts,omitempty"`    // runs since the believed one, partial or held, on which something of the head is; 0 in a memory that is being committed: that very run
	Index      Hash       `json:"index,omitzero"`     // what the index of the entries is, if one is kept beside the store: another is not of this head
}

// MaxAccepted bounds how many earlier snapshots an old file is known again by.
const MaxAccepted = 100

// Silence is what the clocks of a register say.
type Silence struct {
	Incomplete int       `json:"incomplete,omitempty"` // due ticks in a row without a complete fetch
	Stale      bool      `json:"stale,omitempty"`      // the operator was told so
	ChangedAt  time.Time `json:"changed_at,omitzero"`  // first complete fetch with the entries that are there now
	Frozen     bool      `json:"frozen,omitempty"`     // the operator was told so
}

// Held is a snapshot whose differences are not all believed yet. Its entries are
// read again from the pages of its run.
type Held struct {
	Run     RunID     `json:"run"`   // latest that showed it; 0 in a memory that is being committed: that very run
	First   RunID     `json:"first"` // first that showed just this; 0 likewise
	Digest  Hash      `json:"digest"`
	Since   time.Time `json:"since"` // observed_at of the first fetch that showed just this
	Alarms  []Alarm   `json:"alarms"`
	Removed int       `json:"removed"` // differences that wait
	Added   int       `json:"added"`
	Changed int       `json:"changed"`
}

// Swap reports whether another list may stand in the register's place: then no
// time ends the hold.
func (h Held) Swap() bool { return slices.Contains(h.Alarms, AlarmSwap) }

// Alarm names a threshold of gate 2 that a difference crossed.
type Alarm string

// The alarms of gate 2.
const (
	AlarmRemovals Alarm = "flood of removals"
	AlarmSwap     Alarm = "swap"
	AlarmChanges  Alarm = "flood of changes"
	AlarmEmptied  Alarm = "emptied field"
	AlarmTypes    Alarm = "values not of their type"
)

// Older is an earlier accepted snapshot that is served again.
type Older struct {
	Digest Hash      `json:"digest"`
	Since  time.Time `json:"since"`
}

// Missing is an entry of the head that the last complete fetch lacked, and
// whose removal waits for its confirmation.
type Missing struct {
	Key      Key       `json:"key"`
	Content  Hash      `json:"content"`
	Since    time.Time `json:"since"` // observed_at of the first complete fetch without it
	Run      RunID     `json:"run"`   // of that fetch; 0 in a memory that is being committed: that very run
	Tick     time.Time `json:"tick"`  // last tick that counted
	Ticks    int       `json:"ticks"` // that lacked it
	LastSeen time.Time `json:"last_seen"`
	Seen     RunID     `json:"seen,omitempty"`  // last believed run, whose pages show it
	Parts    []RunID   `json:"parts,omitempty"` // or else one of these later ones does
}

// Health is what gate 1 knows of the last complete fetch.
type Health struct {
	Known           bool    `json:"known"`
	Shape           Shape   `json:"shape"`
	RepairRate      float64 `json:"repair_rate"` // U+FFFD per character
	EndsWithNewline bool    `json:"ends_with_newline"`
	Encoding        string  `json:"encoding,omitempty"` // that had to be guessed, by this fetch or one before
	Pages           int     `json:"pages"`
	Entries         int     `json:"entries"`
	Unmatched       int     `json:"unmatched,omitempty"` // lines of text that parse.rows did not match

	Filled map[string]int `json:"filled,omitempty"` // by field: entries in which it is not empty
	Odd    map[string]int `json:"odd,omitempty"`    // by field: values not of their type, or not in map
}

// Failing is a story of failures that the operator was told of.
type Failing struct {
	Class  string    `json:"class"`
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	Runs   int       `json:"runs"`
}

// Listing is an entry with the time for which the register showed it.
type Listing struct {
	Entry
	FirstSeen    time.Time  // first complete fetch that showed the entry in this period
	From         time.Time  // first fetch with this content
	To           *time.Time // first fetch without it or with other content; nil: still so
	LastSeen     time.Time
	MissingSince *time.Time
}

// Accept notes that a snapshot was believed.
func (m *Memory) Accept(digest Hash) {
	if n := len(m.Accepted); n > 0 && m.Accepted[n-1] == digest {
		return
	}
	accepted := slices.DeleteFunc(slices.Clone(m.Accepted), func(d Hash) bool { return d == digest })
	accepted = append(accepted, digest)
	m.Accepted = accepted[max(0, len(accepted)-MaxAccepted):]
}
