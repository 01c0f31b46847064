package notifier

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Channel is a way to tell somebody.
type Channel interface {
	// Send tells one message and returns when its receiver has accepted it.
	// The same message may be sent again; a receiver recognises it by the
	// event's id. An error that is not a [*SendError] is tried again later.
	// Send is called by one goroutine at a time, unless the channel is [Parallel],
	// and ends soon after ctx does.
	Send(ctx context.Context, m Message) error
}

// Parallel is a channel whose receiver takes messages at once, and in any order.
type Parallel interface {
	Channel
	// Parallel is how many messages may be under way at a time; less than one is one.
	Parallel() int
}

func inParallel(c Channel) int {
	if p, ok := c.(Parallel); ok {
		return max(1, p.Parallel())
	}
	return 1
}

// Message is one event for one channel.
type Message struct {
	Event    register.Event
	Body     []byte // the event as JSON, the same bytes at every attempt
	Delivery register.Delivery
	Test     bool // made by a person to try the channel; says so
}

// SendError says why a message was not accepted, and what follows.
type SendError struct {
	Status     int           // HTTP or SMTP code; 0: no answer
	RetryAfter time.Duration // not before; 0: the receiver did not say
	Permanent  bool          // trying again can not help
	Disable    bool          // the receiver wants nothing more (HTTP 410); implies Permanent
	Err        error
}

// Error gives the cause.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Network is a guarded way out; safenet's Net is one.
type Network interface {
	Client() *http.Client
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Tools are what channels are made with.
type Tools struct {
	// Network gives the way out; with allowPrivate, also to private and
	// loopback addresses.
	Network   func(allowPrivate bool) Network
	Secret    func(reference string) (string, error) // env:NAME or file:PATH
	Out       io.Writer                              // for people who watch
	Now       func() time.Time
	PublicURL string // of the service; may be empty
	Version   string
}

// UserAgent names the program to receivers.
func (t Tools) UserAgent() string {
	if t.Version == "" {
		return "regwatch"
	}
	return fmt.Sprintf("regwatch/%s", t.Version)
}
