package notifier

import (
	"time"

	"github.com/regwatch/regwatch/register"
)

// Trial is the data of a test message. Its event's type is regwatch.test, so that
// no program takes it for a change.
type Trial struct {
	ID           string    `json:"id"`
	Subscription string    `json:"subscription"`
	Note         string    `json:"note"`
	At           time.Time `json:"at"`
}

// NewTrial makes a test message. The id tells it from other ones; source is the
// service's public URL, or empty.
func NewTrial(id, subscription, source string, at time.Time) (Message, error) {
	data := Trial{ID: id, Subscription: subscription, At: at.UTC(), Note: "This is a test. Nothing has changed in any register."}
	if source == "" {
		source = "urn:regwatch:test"
	}
	event := register.Event{SpecVersion: "1.0", ID: id, Type: "regwatch.test", Source: source, Time: data.At, DataContentType: "application/json", Data: data}
	body, err := event.JSON()
	if err != nil {
		return Message{}, err
	}
	return Message{Event: event, Body: body, Delivery: register.Delivery{Event: id, Subscription: subscription}, Test: true}, nil
}
