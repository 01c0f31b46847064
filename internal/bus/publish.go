package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errCodeWrongLastID is JetStream's answer to a message that demands another one
// as the last of the stream; the client has no name for it.
const errCodeWrongLastID jetstream.ErrorCode = 10070

// errMoved: somebody else has written to the stream since its position was read.
var errMoved = errors.New("the stream has moved")

// wire is what the relay needs of a stream. Bus is the real one; tests put
// faults before it.
type wire interface {
	// position is the sequence of the last message of the stream.
	position(ctx context.Context, stream string) (uint64, error)

	// lastEvent is the id of the last event on the stream that matches the
	// subject; empty when there is none.
	lastEvent(ctx context.Context, stream, subject string) (string, error)

	// publish appends the messages in this order, provided that the stream
	// stands at after. It says how many of them, from the first on, are stored
	// for sure; with an error more may be, still without a gap. An error that
	// is errMoved says that the stream stands elsewhere.
	publish(ctx context.Context, stream string, after uint64, messages []*nats.Msg) (stored int, err error)

	// limit is the largest message, header included, in bytes.
	limit() int64

	// repair creates streams that are missing.
	repair(ctx context.Context) error
}

func (b *Bus) position(ctx context.Context, stream string) (uint64, error) {
	info, err := b.info(ctx, stream)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

func (b *Bus) info(ctx context.Context, stream string) (*jetstream.StreamInfo, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("ask for stream %s: %w", stream, b.explain(err))
	}
	return s.CachedInfo(), nil
}

func (b *Bus) lastEvent(ctx context.Context, stream, subject string) (string, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return "", fmt.Errorf("ask for stream %s: %w", stream, b.explain(err))
	}
	message, err := s.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("ask for the last message on %s: %w", subject, b.explain(err))
	}
	return message.Header.Get(jetstream.MsgIDHeader), nil
}

// publish sends what is worth a batch as one, which the stream syncs once, and
// the rest message by message, each of which it syncs. What the stream does not
// take as a batch, for example because it has one of the ids already, is sent
// message by message too: then it says of which.
func (b *Bus) publish(ctx context.Context, stream string, after uint64, messages []*nats.Msg) (int, error) {
	if len(messages) < atomicFrom || !b.batching.has(stream) {
		return b.publishEach(ctx, stream, after, messages)
	}
	err := b.publishAtomic(ctx, stream, after, messages)
	refused, ok := errors.AsType[*refusedError](err)
	switch {
	case err == nil:
		return len(messages), nil
	case !ok:
		return 0, b.explain(err)
	}
	b.log.Warn("stream takes no batch; its events are sent one by one", "stream", stream, "events", len(messages), "err", refused)
	return b.publishEach(ctx, stream, after, messages)
}

// publishEach sends without waiting for each acknowledgement. Order needs no care
// of ours: every message demands the one before it, by position and by id, as the
// last of the stream, so the server refuses all that follow a failed one. The
// position alone would not do: were the stream ahead of where we believe it to
// be, a message in the middle would name the right one by chance.
func (b *Bus) publishEach(ctx context.Context, stream string, after uint64, messages []*nats.Msg) (int, error) {
	futures := make([]jetstream.PubAckFuture, 0, len(messages))
	var sendErr error
	for i, message := range messages {
		options := []jetstream.PublishOpt{
			jetstream.WithExpectStream(stream), jetstream.WithExpectLastSequence(after + uint64(i)), jetstream.WithRetryAttempts(0),
		}
		if i > 0 {
			options = append(options, jetstream.WithExpectLastMsgID(messages[i-1].Header.Get(jetstream.MsgIDHeader)))
		}
		future, err := b.js.PublishMsgAsync(message, options...)
		if err != nil {
			sendErr = b.explain(err)
			break
		}
		futures = append(futures, future)
	}
	for i, future := range futures {
		if err := acknowledged(ctx, future); err != nil {
			return i, err
		}
	}
	return len(futures), sendErr
}

func acknowledged(ctx context.Context, future jetstream.PubAckFuture) error {
	select {
	case <-future.Ok():
		return nil
	case err := <-future.Err():
		if apiErr, ok := errors.AsType[*jetstream.APIError](err); ok && hasMoved(apiErr) {
			return fmt.Errorf("%w: %w", errMoved, err)
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hasMoved reports whether the server says that the stream does not end where the
// message builds on.
func hasMoved(err *jetstream.APIError) bool {
	switch err.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant, errCodeWrongLastID:
		return true
	}
	return false
}

func (b *Bus) limit() int64 { return b.conn.MaxPayload() }

func (b *Bus) repair(ctx context.Context) error { return b.ensureStreams(ctx) }

// messageOf makes the message of an event.
func messageOf(subject, id string, sequence int64, body []byte) *nats.Msg {
	header := nats.Header{}
	header.Set(jetstream.MsgIDHeader, id)
	if sequence > 0 {
		header.Set(HeaderSequence, strconv.FormatInt(sequence, 10))
	}
	return &nats.Msg{Subject: subject, Header: header, Data: body}
}
