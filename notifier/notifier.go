package notifier

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Durable is the name of the notifier's consumer of the stream.
const Durable = "notifier"

const (
	unroutedAfter = 5 * time.Second  // an event that the stream did not bring by then is taken from the ledger
	pollEvery     = time.Second      // looks at the ledger without having been called
	troubleWait   = 5 * time.Second  // after the ledger failed
	reportEvery   = time.Hour        // deliveries of channels that are not configured
	sourceWait    = 5 * time.Second  // after the stream failed
	batch         = 250              // events or deliveries taken at once
	grace         = 10 * time.Second // for a message under way when it is time to stop
	recordTime    = 10 * time.Second // for what must be written then
	recordWithin  = 25 * time.Millisecond
	sweepMost     = time.Second // that new deliveries go out before others are tried again
	farFuture     = 100 * 365 * 24 * time.Hour
)

// Options of a [Notifier]. Source, Ledger, Router and Facts are required.
type Options struct {
	Source    Source
	Ledger    Ledger
	Router    *Router
	Channels  map[string]Channel // by name
	Facts     func(registerID string) RegisterFacts
	PublicURL string                                                     // becomes the events' source; may be empty
	Logger    *slog.Logger                                               // default: none
	Now       func() time.Time                                           // default: time.Now
	Random    func() float64                                             // in [0, 1), for jitter; default: math/rand
	Waiting   func(ctx context.Context) (map[string]int, error)          // pending deliveries by channel; nil: those of unknown channels are not reported
	Attempted func(delivery register.Delivery, attempt register.Attempt) // told of every attempt that was recorded; may be nil
}

// Notifier routes events and sends deliveries.
type Notifier struct {
	options  Options
	log      *slog.Logger
	replaced chan struct{} // holds one when router or channels are new

	mu       sync.Mutex // guards what is below
	router   *Router
	channels map[string]Channel
	senders  map[string]*sender
}

// New gives a notifier that does nothing until [Notifier.Run].
func New(o Options) *Notifier {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return &Notifier{options: o, log: o.Logger, replaced: make(chan struct{}, 1), router: o.Router, channels: o.Channels}
}

// Replace puts other subscriptions and channels in force. A message under way is
// finished by the channel that began it. Pending deliveries of a channel that is
// gone stay pending and are reported.
func (n *Notifier) Replace(router *Router, channels map[string]Channel) {
	n.mu.Lock()
	n.router, n.channels = router, channels
	n.mu.Unlock()
	select {
	case n.replaced <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, gives messages under way some seconds to finish, and
// returns nil when nothing of it runs any more. It is called once.
func (n *Notifier) Run(ctx context.Context) error {
	var group sync.WaitGroup
	group.Go(func() { n.consume(ctx) })
	group.Go(func() { n.sweep(ctx) })
	n.tend(ctx, &group)
	group.Wait()
	return nil
}

// tend keeps one sender for each channel. After a replacement the new one begins
// when the old one of the same name has ended.
func (n *Notifier) tend(ctx context.Context, group *sync.WaitGroup) {
	last := map[string]*sender{} // of each channel that there was
	for ctx.Err() == nil {
		generation, stop := context.WithCancel(ctx)
		n.mu.Lock()
		n.senders = map[string]*sender{}
		for name, channel := range n.channels {
			s := newSender(n, name, channel)
			before := last[name]
			n.senders[name], last[name] = s, s
			group.Go(func() { s.run(generation, before) })
		}
		n.mu.Unlock()
		n.watch(ctx)
		stop()
	}
}

// watch returns when router or channels are new, or ctx ended.
func (n *Notifier) watch(ctx context.Context) {
	again := time.NewTicker(reportEvery)
	defer again.Stop()
	for {
		n.report(ctx)
		select {
		case <-n.replaced:
			return
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// wake calls the senders of new deliveries.
func (n *Notifier) wake(deliveries []register.Delivery) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range deliveries {
		if s, ok := n.senders[d.Channel]; ok {
			s.call()
		}
	}
}

// report tells the log of deliveries that no configured channel will take.
func (n *Notifier) report(ctx context.Context) {
	if n.options.Waiting == nil {
		return
	}
	waiting, err := n.options.Waiting(ctx)
	if err != nil && ctx.Err() == nil {
		n.log.Warn("pending deliveries could not be counted", "err", err)
	}
	for name, count := range waiting {
		if !n.configured(name) {
			n.log.Warn("deliveries wait for a channel that is not configured", "channel", name, "pending", count,
				"hint", "configure the channel again, and they are sent")
		}
	}
}

func (n *Notifier) configured(channel string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, ok := n.channels[channel]
	return ok
}

// pause waits; false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
