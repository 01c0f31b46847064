package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/regwatch/regwatch/register"
)

const (
	relayLease     = "relay"
	relayBatch     = 1000    // events read from the outbox at a time; a server's most in an atomic batch
	relaySome      = 250     // of them in the second pass after a rest, behind a single one; twice as many in the third
	relayBytes     = 4 << 20 // of them, sent before their acknowledgements are awaited
	aheadAfterRest = 3       // passes that take fewer
	backoffFirst   = 100 * time.Millisecond
	backoffMost    = 5 * time.Second
	releaseFor     = 2 * time.Second // the last thing before the end
)

// Relay carries events from the outbox to their streams. Of all relays on one
// store the one that has the lease works; the others wait for it to fall.
//
//	lease ─▶ where does the stream stand? ─▶ what is unpublished? ─▶ what of it is there already?
//	             ─▶ publish in order ─▶ mark what was acknowledged
//
// While one batch is published the next is read, and its messages are made.
// After anything that went wrong it begins again at the left, so an event that
// was stored although its publish failed is marked, and not sent twice.
type Relay struct {
	wire    wire
	outbox  Outbox
	options RelayOptions
	most    int // events at a time
	wake    chan struct{}

	ahead     int           // passes that take few events, so that those go ahead; see limit
	next      <-chan loaded // what is read for the next pass; nil: nothing is
	leader    bool
	renewAt   time.Time
	positions map[string]uint64 // by stream; nil: not known, see findPositions
}

// NewRelay returns a relay from the outbox to the bus. [Relay.Run] makes it work.
func (b *Bus) NewRelay(outbox Outbox, options RelayOptions) *Relay {
	return newRelay(b, outbox, options)
}

func newRelay(w wire, outbox Outbox, options RelayOptions) *Relay {
	if options.Holder == "" {
		host, _ := os.Hostname()
		options.Holder = fmt.Sprintf("%s/%d/%d", host, os.Getpid(), time.Now().UnixNano())
	}
	if options.TTL == 0 {
		options.TTL = 10 * time.Second
	}
	if options.Poll == 0 {
		options.Poll = time.Second
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Relay{wire: w, outbox: outbox, options: options, most: relayBatch, wake: make(chan struct{}, 1)}
}

// Wake says that something was committed: the relay looks at once. It never
// blocks, and may be called by anybody at any time.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, gives the lease back and returns nil. What goes
// wrong is logged and tried again. Call it once.
func (r *Relay) Run(ctx context.Context) error {
	defer r.release(context.WithoutCancel(ctx))
	defer r.forget()
	backoff := backoffFirst
	r.ahead = aheadAfterRest
	for ctx.Err() == nil {
		more, err := r.pass(ctx)
		switch {
		case errors.Is(err, errMoved):
			r.options.Logger.Debug("stream was written to by somebody else; reading it again", "err", err)
			err = nil
			more = true
		case err == nil:
			backoff = backoffFirst
		}
		if err != nil && ctx.Err() == nil {
			r.options.Logger.Warn("events wait in the outbox; trying again", "in", backoff, "err", err)
			sleep(ctx, backoff)
			backoff = min(2*backoff, backoffMost)
			continue
		}
		r.ahead = max(r.ahead-1, 0)
		if !more {
			r.ahead = aheadAfterRest
			r.wait(ctx)
		}
	}
	return nil
}

// limit is how many events are taken at a time. The first one after a rest goes
// alone, then some, then more: whoever waits for them need not wait for the batch
// behind them, and has got something to do until it comes. Ahead is how many passes
// are still to take few.
func (r *Relay) limit(ahead int) int {
	switch {
	case ahead == aheadAfterRest:
		return 1
	case ahead > 0:
		return min(relaySome*(aheadAfterRest-ahead), r.most)
	}
	return r.most
}

func (r *Relay) wait(ctx context.Context) {
	timer := time.NewTimer(r.options.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-timer.C:
	}
}

func (r *Relay) release(ctx context.Context) {
	if !r.leader {
		return
	}
	r.leader = false
	ctx, cancel := context.WithTimeout(ctx, releaseFor)
	defer cancel()
	if err := r.outbox.ReleaseLease(ctx, relayLease, r.options.Holder); err != nil {
		r.options.Logger.Warn("lease not given back; it ends by itself", "in", r.options.TTL, "err", err)
	}
}

// pass publishes one batch, and reports whether there may be more. With an
// error everything that was believed of the streams is forgotten.
func (r *Relay) pass(ctx context.Context) (more bool, err error) {
	defer func() {
		if err != nil {
			r.positions = nil
			r.forget()
		}
	}()
	if leader, err := r.lead(ctx); err != nil || !leader {
		r.forget()
		return false, err
	}
	settled := r.positions != nil
	if !settled { // before the outbox is read: see publish
		if err := r.findPositions(ctx); err != nil {
			return false, err
		}
	}
	batch := r.take(ctx, settled)
	if batch.err != nil {
		return false, fmt.Errorf("read outbox: %w", batch.err)
	}
	rows := batch.rows
	if !settled {
		if rows, err = r.markPresent(ctx, rows); err != nil {
			return false, err
		}
	} else if batch.full {
		r.readAhead(ctx, batch)
	}
	for _, stream := range []string{StreamChanges, StreamOps} {
		if err := r.publish(ctx, stream, rowsOf(stream, rows), batch.made); err != nil {
			return false, err
		}
	}
	return batch.full, nil
}

// lead takes or renews the lease.
func (r *Relay) lead(ctx context.Context) (bool, error) {
	now := r.options.Now()
	if r.leader && now.Before(r.renewAt) {
		return true, nil
	}
	held, err := r.outbox.Lease(ctx, relayLease, r.options.Holder, now, r.options.TTL)
	if err != nil {
		return false, fmt.Errorf("take lease: %w", err)
	}
	if held != r.leader {
		r.options.Logger.Debug("relay lease", "held", held)
		r.positions = nil
	}
	r.leader, r.renewAt = held, now.Add(r.options.TTL/3)
	return held, nil
}

func (r *Relay) findPositions(ctx context.Context) error {
	if err := r.wire.repair(ctx); err != nil {
		return err
	}
	positions := map[string]uint64{}
	for _, stream := range []string{StreamChanges, StreamOps} {
		position, err := r.wire.position(ctx, stream)
		if err != nil {
			return err
		}
		positions[stream] = position
	}
	r.positions = positions
	return nil
}

// markPresent marks what is on the streams already, and returns the rest. Each
// register's events go out in order, so if its last event on the stream is one
// of the rows, those before it are there too. (If it is none of them, because
// the stream has discarded it or the store is an older one, put back, they are
// sent: a repeat has the same id, a loss has no remedy.)
func (r *Relay) markPresent(ctx context.Context, rows []register.Outgoing) ([]register.Outgoing, error) {
	type lane struct{ stream, register string }
	last := map[lane]string{}
	for _, row := range rows {
		l := lane{streamOf(row), row.Register}
		if _, asked := last[l]; asked || checkToken(row.Register) != nil {
			continue
		}
		id, err := r.wire.lastEvent(ctx, l.stream, registerSubjects(l.stream, l.register))
		if err != nil {
			return nil, err
		}
		last[l] = id
	}
	through := map[lane]int{} // how many rows, counted over all, are there
	for i, row := range rows {
		if l := (lane{streamOf(row), row.Register}); last[l] == row.ID {
			through[l] = i + 1
		}
	}
	var present []string
	var missing []register.Outgoing
	for i, row := range rows {
		if i < through[lane{streamOf(row), row.Register}] {
			present = append(present, row.ID)
		} else {
			missing = append(missing, row)
		}
	}
	return missing, r.mark(ctx, present)
}

func (r *Relay) mark(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	if err := r.outbox.MarkPublished(ctx, ids, r.options.Now()); err != nil {
		return fmt.Errorf("mark %d events as published: %w", len(ids), err)
	}
	return nil
}

// publish sends rows of one stream in their order and marks them. It builds on
// a position that was read before the rows were: had another relay published
// in between, the stream refuses.
func (r *Relay) publish(ctx context.Context, stream string, rows []register.Outgoing, ready map[string]made) error {
	for len(rows) > 0 {
		messages, ids, taken := r.messages(rows, ready)
		stored, err := r.wire.publish(ctx, stream, r.positions[stream], messages)
		r.positions[stream] += uint64(stored)
		if err == nil { // those that can not be sent stand behind those that were
			stored = len(ids)
		}
		if err := errors.Join(err, r.mark(ctx, ids[:stored])); err != nil {
			return fmt.Errorf("publish on %s: %w", stream, err)
		}
		rows = rows[taken:]
	}
	return nil
}
