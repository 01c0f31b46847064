package register

import "time"

// Subscription says who wants to hear of which changes, over which channels.
type Subscription struct {
	Name      string
	Registers []string // ids, countries (CZ), topics, or "*"
	Kinds     []Kind   // empty: all
	When      string   // expression over the entry's fields; empty: always
	To        []string // names of channels
}

// Operators is the subscription of those who run the service: it hears of
// signals, and of nothing else.
const Operators = "operators"

// Channel is a configured way to tell somebody: its type names a folder of
// notifier/channel, which alone knows what the settings mean.
type Channel struct {
	Name     string
	Type     string
	Settings map[string]any
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryPending   DeliveryState = "pending"   // to be tried at NextAttempt
	DeliveryDelivered DeliveryState = "delivered" // accepted by the receiver
	DeliveryDead      DeliveryState = "dead"      // given up; visible, can be redelivered
)

// Delivery is one event on its way to one channel of one subscription.
type Delivery struct {
	ID           int64         `json:"delivery"`
	Event        string        `json:"event"` // id of the change or signal
	Register     string        `json:"register"`
	Subscription string        `json:"subscription"`
	Channel      string        `json:"channel"`
	State        DeliveryState `json:"state"`
	Attempts     int           `json:"attempts"`
	NextAttempt  time.Time     `json:"next_attempt,omitzero"`
	CreatedAt    time.Time     `json:"created_at"`
	DoneAt       time.Time     `json:"done_at,omitzero"` // delivered or given up
	LastError    string        `json:"last_error,omitempty"`
}

// Result is an attempt and what it made of its delivery.
type Result struct {
	Attempt  Attempt
	Delivery Delivery
}

// Attempt is one try of a delivery.
type Attempt struct {
	Delivery   int64         `json:"delivery"`
	Number     int           `json:"attempt"`
	StartedAt  time.Time     `json:"started_at"`
	Took       time.Duration `json:"took"`
	Status     int           `json:"status,omitempty"` // HTTP or SMTP code
	Error      string        `json:"error,omitempty"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
}
