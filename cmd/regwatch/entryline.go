package main

import (
	"time"

	"github.com/regwatch/regwatch/register"
)

// entryLine is an entry as JSON. What is not known is left out: saved bytes say
// nothing of times.
type entryLine struct {
	Key          register.Key    `json:"key"`
	EntryID      string          `json:"entry_id"`
	Fields       register.Values `json:"fields"`
	FirstSeen    *time.Time      `json:"first_seen,omitempty"`
	LastSeen     *time.Time      `json:"last_seen,omitempty"`
	MissingSince *time.Time      `json:"missing_since,omitempty"`
	ListedOn     string          `json:"listed_on,omitempty"`
	DelistedOn   string          `json:"delisted_on,omitempty"`
}

func newEntryLine(registerID string, e register.Entry) entryLine {
	fields := e.Fields
	if fields == nil {
		fields = register.Values{} // {} and not null
	}
	return entryLine{
		Key: e.Key, EntryID: e.Key.ID(registerID), Fields: fields,
		ListedOn: fields.Get(register.FieldListedOn), DelistedOn: fields.Get(register.FieldDelistedOn),
	}
}

func listingLine(registerID string, l register.Listing) entryLine {
	line := newEntryLine(registerID, l.Entry)
	line.FirstSeen, line.LastSeen, line.MissingSince = utc(l.FirstSeen), utc(l.LastSeen), l.MissingSince
	return line
}

func utc(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
