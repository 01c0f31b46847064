package register

import "time"

// ChangeFilter narrows the change log; a zero field does not narrow it.
type ChangeFilter struct {
	Register    string
	Since       time.Time // observed at or after
	Until       time.Time // observed before
	Kind        Kind
	Match       string // text that stands in the key or in a value, before or after; case does not matter
	Run         RunID
	AfterCursor int64 // changes committed after the one of this cursor
	Limit       int   // 0: all
}

// RunFilter narrows the runs; a zero field does not narrow them.
type RunFilter struct {
	Register string
	Held     bool
	Limit    int // 0: all
}

// DeliveryFilter names deliveries; a zero field does not narrow them.
type DeliveryFilter struct {
	IDs          []int64
	State        DeliveryState
	Register     string
	Channel      string
	Subscription string
	Limit        int // 0: all
}

// RegisterState is where a register stands. A register is known as soon as a
// run was recorded, a tick was saved, or somebody paused it.
type RegisterState struct {
	ID       string
	Title    string    // as the last run's definition had it; empty before the first run
	PausedAt time.Time // zero: not paused
	LastTick time.Time // zero: none yet
	NextTick time.Time // zero: none known
	Head     Head      // Version 0 before the first run
	LastRun  Run       // ID 0 before the first run
}

// EntryHistory is the life of the entries of one key.
type EntryHistory struct {
	Register string
	ID       string    // see [Key.ID]
	Key      Key       // as it was last listed
	Listings []Listing // every content for its time, oldest first
	Changes  []Change  // in the order of their commits
}

// StoreStats is what the store holds.
type StoreStats struct {
	Registers   int64                   `json:"registers"`
	Runs        int64                   `json:"runs"`
	Entries     int64                   `json:"entries"`   // listed now, of all registers
	Versions    int64                   `json:"versions"`  // entries with each of their contents, ended ones too
	Unindexed   int64                   `json:"unindexed"` // versions that a search reads through; up to some ten thousand always
	Changes     int64                   `json:"changes"`
	Unpublished int64                   `json:"unpublished"` // events that wait for the stream
	Unrouted    int64                   `json:"unrouted"`    // events that wait for their deliveries
	Deliveries  map[DeliveryState]int64 `json:"deliveries"`
	Bytes       int64                   `json:"bytes"` // on disk, journal included
}

// Backlog is what waits in a store, and how fresh its registers are. It is cheap
// to ask for, however much the store holds.
type Backlog struct {
	Unpublished int64                // events that wait for the stream
	Unrouted    int64                // events that wait for their deliveries
	Pending     int64                // deliveries that are still to be made
	Dead        int64                // deliveries that were given up
	Seen        map[string]time.Time // last complete fetch, by register; none: there was none
}
