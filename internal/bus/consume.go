package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	eventAckWait = 10 * time.Second
	eventBatch   = 512
	gatherMost   = 10 * time.Millisecond // that one message waits for those behind it
	pauseFirst   = 250 * time.Millisecond
	pauseMost    = 15 * time.Second
	unreadAfter  = 2 * time.Second // pauses have grown so far when a stream counts as unreadable
	againMost    = time.Minute     // between two deliveries of a message that fails
)

// Consume hands every event on the streams of changes and of signals to
// handle, from where the durable consumer of that name stands (a new one: from
// the oldest message kept), until ctx ends; then it waits for the handlers and
// returns nil. Events come in the order of their stream, as many together as
// have arrived; the two streams are handled at the same time. They are done when
// handle returned nil. When it failed for several they come again at once, each
// by itself; one that failed by itself comes again later, after others. An event
// may come twice: handle must be idempotent in its id.
func (b *Bus) Consume(ctx context.Context, durable string, handle func(ctx context.Context, eventIDs []string, bodies [][]byte) error) error {
	if err := checkToken(durable); err != nil {
		return fmt.Errorf("consume: durable name: %w", err)
	}
	var group sync.WaitGroup
	for _, stream := range []string{StreamChanges, StreamOps} {
		source := &source{bus: b, stream: stream, config: jetstream.ConsumerConfig{
			Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.eventAckWait,
			MaxDeliver: -1, MaxAckPending: -1, DeliverPolicy: jetstream.DeliverAllPolicy,
		}}
		group.Go(func() {
			source.each(ctx, eventBatch, func(ctx context.Context, messages []jetstream.Msg) { b.handleEvents(ctx, messages, handle) })
		})
	}
	group.Wait()
	return nil
}

// handleEvents handles events together and acknowledges them. One that can not
// be handled must not hold up the others, so after a failure each is alone.
func (b *Bus) handleEvents(ctx context.Context, messages []jetstream.Msg, handle func(context.Context, []string, [][]byte) error) {
	done := b.keep(b.eventAckWait/3, messages...)
	defer done()
	ids, bodies := make([]string, len(messages)), make([][]byte, len(messages))
	for i, message := range messages {
		ids[i], bodies[i] = message.Headers().Get(jetstream.MsgIDHeader), message.Data()
	}
	err := handle(ctx, ids, bodies)
	if err == nil || len(messages) == 1 || ctx.Err() != nil {
		for i, message := range messages {
			b.finish(ctx, message, err, "event", ids[i], "subject", message.Subject())
		}
		return
	}
	for i, message := range messages {
		err := handle(ctx, ids[i:i+1], bodies[i:i+1])
		b.finish(ctx, message, err, "event", ids[i], "subject", message.Subject())
	}
}

// source is a durable pull consumer that heals itself: what goes wrong with the
// connection, the stream or the consumer is logged, and tried again.
type source struct {
	bus    *Bus
	stream string
	config jetstream.ConsumerConfig
}

// each hands messages to do, those together that have arrived, until ctx ends. It
// takes up to batch messages at a time from the server; those it did not come to
// go back.
func (s *source) each(ctx context.Context, batch int, do func(context.Context, []jetstream.Msg)) {
	pause := pauseFirst
	for ctx.Err() == nil {
		n, err := s.fetch(ctx, batch, do)
		if n > 0 || err == nil {
			pause = pauseFirst
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if !s.bus.conn.IsConnected() { // the log has it; see connectOptions
			for sleep(ctx, pauseFirst) && !s.bus.conn.IsConnected() {
			}
			continue
		}
		s.bus.log.Warn("can not read stream; trying again", "stream", s.stream, "in", pause, "err", err)
		if pause >= unreadAfter {
			s.bus.unread.set(s.stream, err)
		}
		sleep(ctx, pause)
		pause = min(2*pause, pauseMost)
	}
}

func (s *source) fetch(ctx context.Context, batch int, do func(context.Context, []jetstream.Msg)) (int, error) {
	consumer, err := s.consumer(ctx)
	if err != nil {
		return 0, err
	}
	for taken := 0; ; {
		messages, err := consumer.Fetch(batch, jetstream.FetchContext(ctx))
		if err != nil {
			return taken, err
		}
		for message := range messages.Messages() {
			if ctx.Err() != nil {
				s.bus.settle(message.Nak())
				continue
			}
			group := together(message, messages.Messages(), batch)
			do(ctx, group)
			taken += len(group)
		}
		if err := messages.Error(); err != nil || ctx.Err() != nil {
			return taken, err
		}
	}
}

// together takes, behind a first message, those that have arrived, and those that
// the server says are pending: they are on their way, and waited for, but not for
// long.
func together(first jetstream.Msg, messages <-chan jetstream.Msg, most int) []jetstream.Msg {
	taken := []jetstream.Msg{first}
	timer := time.NewTimer(gatherMost)
	defer timer.Stop()
	for len(taken) < most {
		if len(messages) == 0 && !isFollowed(taken[len(taken)-1]) {
			return taken
		}
		select {
		case message, more := <-messages:
			if !more {
				return taken
			}
			taken = append(taken, message)
		case <-timer.C:
			return taken
		}
	}
	return taken
}

func isFollowed(message jetstream.Msg) bool {
	meta, err := message.Metadata()
	return err == nil && meta.NumPending > 0
}

func (s *source) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	consumer, err := s.bus.js.CreateOrUpdateConsumer(ctx, s.stream, s.config)
	switch api, ok := errors.AsType[*jetstream.APIError](err); {
	case err == nil:
		s.bus.unread.clear(s.stream)
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, errors.Join(err, s.bus.ensureStreams(ctx))
	case ok && api.ErrorCode == jetstream.JSErrCodeConsumerCreate && s.bus.server != nil:
		// Its files are damaged, or the disk is full. Without them it begins at the
		// oldest message, which is safe: what comes again is handled once.
		return nil, errors.Join(err, s.bus.server.dropConsumer(s.stream, s.config.Durable))
	}
	return consumer, err
}

// keep tells the server, again and again, that the messages are being worked on.
// The returned function ends that and waits for it.
func (b *Bus) keep(every time.Duration, messages ...jetstream.Msg) (done func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for sleep(ctx, every) {
			for _, message := range messages {
				b.settle(message.InProgress())
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// finish acknowledges what was handled. What failed comes again: at once when
// it failed because we end, otherwise the later the more often it failed.
func (b *Bus) finish(ctx context.Context, message jetstream.Msg, err error, about ...any) {
	switch {
	case err == nil:
		b.settle(message.Ack())
	case ctx.Err() != nil:
		b.settle(message.Nak())
	default:
		delay := againAfter(message)
		b.log.Warn("message failed and comes again", append(about, "in", delay, "err", err)...)
		b.settle(message.NakWithDelay(delay))
	}
}

func againAfter(message jetstream.Msg) time.Duration {
	delay := time.Second
	if meta, err := message.Metadata(); err == nil {
		for range min(meta.NumDelivered-1, 10) {
			delay *= 2
		}
	}
	return min(delay, againMost)
}

// settle takes the error of an acknowledgement, which is no reason to do
// anything else: the message comes again, and its handler is idempotent.
func (b *Bus) settle(err error) {
	if err != nil {
		b.log.Debug("acknowledgement not sent", "err", err)
	}
}

// sleep waits and reports whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
