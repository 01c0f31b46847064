package register

import (
	"errors"
	"iter"
	"time"
)

// Commit is what one run leaves in the store, all of it or nothing.
type Commit struct {
	Run         Run
	HeadVersion int64                   // of the head that was judged; another one now is [ErrHeadMoved]
	Baseline    iter.Seq2[Entry, error] // nil: none; read once, within the transaction: an error of it ends the commit
	Conclude    func(*Commit) error     // completes the commit when its baseline was read, within the transaction: an error of it ends the commit; nil: it is complete
	Accepted    []Accepted
	Memory      Memory
	Signals     []Signal
}

// Sentinels of the store.
var (
	ErrHeadMoved  = errors.New("the head has moved since it was read")
	ErrAlreadyRun = errors.New("this tick has been run already")
	ErrNotFound   = errors.New("not found")
	ErrListed     = errors.New("it is in the head already")
)

// Outgoing is an event of the outbox: a change or a signal, to be published and
// routed. Exactly one of Change and Signal is set.
type Outgoing struct {
	ID          string // of the event
	Register    string
	Position    int64 // in the outbox
	Sequence    int64 // of a change; 0 for a signal
	Change      *Change
	Signal      *Signal
	CommittedAt time.Time
}

// Event wraps what is outgoing. Source is the service's public URL, or empty.
func (o Outgoing) Event(source string) Event {
	if o.Change != nil {
		return NewChangeEvent(source, *o.Change)
	}
	return NewSignalEvent(source, *o.Signal)
}
