package register

import "time"

// Event is a CloudEvents 1.0 envelope in structured JSON. Its ID is also the
// Nats-Msg-Id and the webhook-id.
type Event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Type            string    `json:"type"`
	Source          string    `json:"source"`
	Subject         string    `json:"subject,omitempty"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	DataSchema      string    `json:"dataschema,omitempty"` // names the form of Data; see docs/events.md
	Data            any       `json:"data"`                 // Change or Signal
}

// Forms of data, with the major version of their contract.
const (
	changeSchema = "urn:regwatch:schema:change:1"
	signalSchema = "urn:regwatch:schema:signal:1"
)

// NewChangeEvent wraps a change. Source is the service's public URL, or empty.
func NewChangeEvent(source string, c Change) Event {
	e := newEvent(source, c.Register, c.ID, "regwatch.change."+string(c.Kind), c.EntryID, c.ObservedAt, c)
	e.DataSchema = changeSchema
	return e
}

// NewSignalEvent wraps a signal to the operator.
func NewSignalEvent(source string, s Signal) Event {
	e := newEvent(source, s.Register, s.ID, "regwatch.ops."+string(s.State), "", s.At, s)
	e.DataSchema = signalSchema
	return e
}

func newEvent(source, registerID, id, kind, subject string, at time.Time, data any) Event {
	return Event{
		SpecVersion: "1.0", ID: id, Type: kind, Source: sourceOf(source, registerID), Subject: subject,
		Time: at.UTC(), DataContentType: "application/json", Data: data,
	}
}

func sourceOf(publicURL, registerID string) string {
	if publicURL == "" {
		return "urn:regwatch:" + registerID
	}
	return publicURL + "/registers/" + registerID
}
