package register

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Kind says how an entry changed.
type Kind string

// The kinds of change.
const (
	Added    Kind = "added"    // newly listed
	Removed  Kind = "removed"  // no longer listed
	Changed  Kind = "changed"  // listed as before, with other content
	Relisted Kind = "relisted" // listed again after it had been removed
	Rekeyed  Kind = "rekeyed"  // the same entry under another key
)

// Kinds lists every kind, in the order in which they are shown.
var Kinds = []Kind{Added, Removed, Changed, Relisted, Rekeyed}

// Origin says why a change was found, and so whether it is announced.
type Origin string

// Only changes of OriginWatch take a sequence and are delivered.
const (
	Watch   Origin = "watch"   // the register changed while we watched
	Import  Origin = "import"  // found in archived versions
	Upgrade Origin = "upgrade" // our own reading changed, not the register
)

// Change is one accepted difference. As JSON it is the data of its event.
type Change struct {
	ID             string                `json:"id"`
	Register       string                `json:"register"`
	Title          string                `json:"title"`
	Authority      string                `json:"authority"`
	Country        string                `json:"country"`
	Attribution    string                `json:"attribution"`
	Kind           Kind                  `json:"kind"`
	Origin         Origin                `json:"origin"`
	Sequence       *int64                `json:"sequence"` // counts a register's announced changes; null unless origin is watch
	ObservedAt     time.Time             `json:"observed_at"`
	EntryID        string                `json:"entry_id"`
	Key            Key                   `json:"key"`
	PreviousKey    *Key                  `json:"previous_key"`
	Before         Values                `json:"before"`
	After          Values                `json:"after"`
	Differences    map[string]Difference `json:"differences,omitempty"`
	FirstSeen      time.Time             `json:"first_seen"`
	LastSeen       time.Time             `json:"last_seen"`
	MissingSince   *time.Time            `json:"missing_since"` // first complete fetch without the entry
	ListedOn       Date                  `json:"listed_on"`
	DelistedOn     Date                  `json:"delisted_on"`
	EarlierPeriods []Period              `json:"earlier_periods"`
	Run            RunID                 `json:"run"`
	Partial        bool                  `json:"partial"`
	Evidence       Evidence              `json:"evidence"`
	Cursor         int64                 `json:"-"` // place in the store's log of all changes
}

// Date is a day as a register claims it, in its own zone: ISO 8601, perhaps
// without day or month. Empty is none, and null in JSON.
type Date string

// MarshalJSON writes a string, or null.
func (d Date) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("null"), nil
	}
	return appendText(nil, string(d)), nil
}

// Difference is a field's value before and after.
type Difference [2]string

// Period is a time for which an entry was listed, as far as we saw.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Evidence says what a change rests on.
type Evidence struct {
	URL         string         `json:"url"`
	FetchedAt   time.Time      `json:"fetched_at"`
	PublishedAt *time.Time     `json:"published_at"`
	Pages       []EvidencePage `json:"pages"`
	Complete    bool           `json:"complete"`
	Definition  string         `json:"definition"` // fingerprint
}

// EvidencePage names the exact bytes of one page.
type EvidencePage struct {
	URL    string `json:"url"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Accepted is a difference that [differ.Judge] believes and that Commit makes a
// [Change] of. Before is nil for an addition, After for a removal by absence.
type Accepted struct {
	Kind         Kind
	Before       *Entry
	After        *Entry
	MissingSince time.Time // removed by absence: first complete fetch without it
	MissingRun   RunID     // the run of that fetch
	Earlier      []Period  // relisted: listings that had ended before; one that ends in the same commit is added there
}

// Key is the key of the changed entry: the new one where there are two.
func (a Accepted) Key() Key {
	if a.After != nil {
		return a.After.Key
	}
	return a.Before.Key
}

// ChangeID is a change's identity for ever, in the store, on the wire and in
// webhooks: base32 of a SHA-256 over what makes it this change. Ordinal is its
// sequence, or its position in the run where it has none; in that case the run
// counts too, otherwise run is 0.
func ChangeID(registerID string, run RunID, ordinal int64, a Accepted) string {
	hash := sha256.New()
	hash.Write([]byte(registerID + "\x00" + string(a.Kind) + "\x00" + string(a.Key()) + "\x00"))
	var number [8]byte
	for _, n := range []int64{int64(run), ordinal} {
		binary.BigEndian.PutUint64(number[:], uint64(n))
		hash.Write(number[:])
	}
	for _, e := range []*Entry{a.Before, a.After} {
		var content Hash
		if e != nil {
			content = e.Content
		}
		hash.Write(content[:])
	}
	return encode(hash.Sum(nil)[:16])
}

// Differences lists the fields whose normalised text differs.
func Differences(before, after Values) map[string]Difference {
	differences := map[string]Difference{}
	for _, value := range before {
		if text := after.Get(value.Name); Normalize(text) != Normalize(value.Text) {
			differences[value.Name] = Difference{value.Text, text}
		}
	}
	for _, value := range after {
		if before.Get(value.Name) == "" && Normalize(value.Text) != "" {
			differences[value.Name] = Difference{"", value.Text}
		}
	}
	return differences
}
