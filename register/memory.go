package register

import "time"

// Head is the entries of a register that are believed now; the entries
// themselves are read apart.
type Head struct {
	Register    string
	Version     int64     // raised by every Commit; 0: nothing was ever committed
	Baselined   bool      // a complete fetch has been accepted
	Run         RunID     // last run whose changes, or whose baseline, made the entries
	SeenRun     RunID     // last complete fetch
	SeenAt      time.Time // when that was
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
	Parts      []RunID    `json:"parts,omitempty"`   // partial fetches since the last complete one that brought entries
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
	Seen     RunID     `json:"seen,omitempty"`  // run of that last sighting
	Parts    []RunID   `json:"parts,omitempty"` // partial fetches since, which may have shown it too
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
