package register

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// State is what a signal tells the operator of a register.
type State string

// The states of the operator's subjects.
const (
	StateHeld          State = "held"
	StateReleased      State = "released"
	StateFailed        State = "failed"
	StateRecovered     State = "recovered"
	StateStale         State = "stale"
	StateFrozen        State = "frozen"
	StateSchemaChanged State = "schema_changed"
	StateUpgraded      State = "upgraded"
)

// Signal tells the operator one thing about a register, once per story. As
// JSON it is the data of its event. It passes the same outbox and ledger as
// changes.
type Signal struct {
	ID       string         `json:"id"`
	Register string         `json:"register"`
	Title    string         `json:"title,omitempty"`
	State    State          `json:"state"`
	Run      RunID          `json:"run"`
	At       time.Time      `json:"at"`
	Class    string         `json:"class,omitempty"` // of the failure
	Reason   string         `json:"reason"`
	Counts   map[string]int `json:"counts,omitempty"`
	Sample   []string       `json:"sample,omitempty"`
	Next     string         `json:"what_to_do,omitempty"`
}

// SignalID is a signal's identity for ever: base32 of a SHA-256 over register,
// run, state and its position among the run's signals.
func SignalID(registerID string, run RunID, state State, ordinal int) string {
	hash := sha256.New()
	hash.Write([]byte(registerID + "\x00" + string(state) + "\x00"))
	var number [8]byte
	for _, n := range []int64{int64(run), int64(ordinal)} {
		binary.BigEndian.PutUint64(number[:], uint64(n))
		hash.Write(number[:])
	}
	return encode(hash.Sum(nil)[:16])
}
