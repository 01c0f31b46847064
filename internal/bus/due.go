package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/regwatch/regwatch/register"
)

const (
	dueDurable  = "workers"
	dueAckWait  = 30 * time.Second // a worker that is silent for so long is dead
	dueBusyWait = 2 * time.Second  // until a register that is being run is asked for again
)

// PublishDue asks for a run. When it returns nil the message is stored; the
// same [register.Due.MessageID] within two hours is one message, so it is safe
// to repeat, and several schedulers may say the same.
func (b *Bus) PublishDue(ctx context.Context, due register.Due) error {
	if err := checkToken(due.Register); err != nil {
		return fmt.Errorf("publish due: %w", err)
	}
	body, err := json.Marshal(due)
	if err != nil {
		return fmt.Errorf("publish due %s: %w", due.MessageID(), err)
	}
	message := &nats.Msg{Subject: subjectDue + due.Register, Data: body}
	if _, err := b.js.PublishMsg(ctx, message, jetstream.WithMsgID(due.MessageID()), jetstream.WithExpectStream(StreamDue)); err != nil {
		return fmt.Errorf("publish due %s: %w", due.MessageID(), b.explain(err))
	}
	return nil
}

// releaseDue makes messages that a killed process had taken available at once.
// Nobody else works from the embedded server's queue while we open it.
func (b *Bus) releaseDue(ctx context.Context) error {
	err := b.js.DeleteConsumer(ctx, StreamDue, dueDurable)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("release due messages: %w", err)
	}
	return nil
}

// ConsumeDue hands due messages to handle, in up to so many goroutines, until
// ctx ends; then it waits for the handlers and returns nil. A message is done
// when handle returned nil; otherwise it comes again after a pause that grows.
// While handle runs the message is kept. One register is not handled twice at
// the same time by one ConsumeDue.
func (b *Bus) ConsumeDue(ctx context.Context, workers int, handle func(context.Context, register.Due) error) error {
	source := &source{bus: b, stream: StreamDue, config: jetstream.ConsumerConfig{
		Durable: dueDurable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.dueAckWait,
		MaxDeliver: -1, MaxAckPending: -1,
	}}
	work := &dueWork{bus: b, handle: handle, busy: map[string]bool{}}
	var group sync.WaitGroup
	for range max(workers, 1) {
		group.Go(func() { source.each(ctx, 1, func(ctx context.Context, one []jetstream.Msg) { work.do(ctx, one[0]) }) })
	}
	group.Wait()
	return nil
}

// dueWork is what the workers of one ConsumeDue share.
type dueWork struct {
	bus    *Bus
	handle func(context.Context, register.Due) error

	mu   sync.Mutex
	busy map[string]bool // registers in work
}

func (w *dueWork) do(ctx context.Context, message jetstream.Msg) {
	var due register.Due
	if err := json.Unmarshal(message.Data(), &due); err != nil || due.Register == "" {
		w.bus.log.Error("due message is not readable and is dropped", "subject", message.Subject(), "err", err)
		w.bus.settle(message.Term())
		return
	}
	if !w.take(due.Register) {
		w.bus.settle(message.NakWithDelay(w.bus.dueBusyWait))
		return
	}
	defer w.release(due.Register)
	done := w.bus.keep(w.bus.dueAckWait/3, message)
	err := w.handle(ctx, due)
	done()
	w.bus.finish(ctx, message, err, "register", due.Register, "tick", due.Tick)
}

func (w *dueWork) take(registerID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[registerID] {
		return false
	}
	w.busy[registerID] = true
	return true
}

func (w *dueWork) release(registerID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, registerID)
}
