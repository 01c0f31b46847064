package bus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of an atomic batch (ADR-50 of NATS). They stay on the messages.
const (
	headerBatch         = "Nats-Batch-Id"
	headerBatchSequence = "Nats-Batch-Sequence" // in the batch, from 1
	headerBatchCommit   = "Nats-Batch-Commit"
)

// atomicFrom is from how many messages on a batch is faster than messages one
// by one: the server makes and removes a file for it, which costs about as much
// as twenty synced messages.
const atomicFrom = 32

// refusedError is the server's answer to a batch of which it has stored nothing,
// for another reason than that the stream has moved.
type refusedError struct{ api *jetstream.APIError }

func (e *refusedError) Error() string { return e.api.Error() }

// batchAnswer is what the server says to a message of a batch.
type batchAnswer struct {
	Error    *jetstream.APIError `json:"error"`
	Sequence uint64              `json:"seq"`
	Batch    string              `json:"batch"`
	Count    int                 `json:"count"`
}

// publishAtomic appends all of the messages, provided that the stream stands at
// after, or none. It returns nil when they are stored, a [refusedError] or
// errMoved when none is, and any other error when nobody knows.
//
// The first message waits for its answer: a server that has lost the ability
// since would store the others without a fence.
func (b *Bus) publishAtomic(ctx context.Context, stream string, after uint64, messages []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	batch, last := rand.Text(), len(messages)-1
	for i, message := range messages {
		part := partOf(batch, i+1, message)
		switch i {
		case 0:
			part.Header.Set(jetstream.ExpectedStreamHeader, stream)
			part.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(after, 10))
			if err := b.begin(ctx, part); err != nil {
				return err
			}
		case last:
			part.Header.Set(headerBatchCommit, "1")
			answer, err := b.ask(ctx, part)
			if err == nil && (answer.Batch != batch || answer.Count != len(messages) || answer.Sequence != after+uint64(len(messages))) {
				err = fmt.Errorf("batch of %d after %d is answered with %+v", len(messages), after, answer)
			}
			return err
		default:
			if err := b.conn.PublishMsg(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// partOf makes the copy of a message that goes out in a batch.
func partOf(batch string, sequence int, message *nats.Msg) *nats.Msg {
	part := &nats.Msg{Subject: message.Subject, Header: maps.Clone(message.Header), Data: message.Data}
	part.Header.Del(jetstream.ExpectedLastSeqHeader) // a batch has one, on its first message
	part.Header.Del(jetstream.ExpectedLastMsgIDHeader)
	part.Header.Set(headerBatch, batch)
	part.Header.Set(headerBatchSequence, strconv.Itoa(sequence))
	return part
}

func (b *Bus) begin(ctx context.Context, first *nats.Msg) error {
	answer, err := b.ask(ctx, first)
	if err == nil && answer.Sequence != 0 {
		err = errors.New("the server stored the first message of a batch by itself: it knows no batches any more")
	}
	return err
}

// ask sends one message of a batch and reads the answer, which is empty, all but
// for the last one, when the server is content.
func (b *Bus) ask(ctx context.Context, part *nats.Msg) (batchAnswer, error) {
	reply, err := b.conn.RequestMsgWithContext(ctx, part)
	if err != nil {
		return batchAnswer{}, err
	}
	var answer batchAnswer
	if len(reply.Data) > 0 {
		if err := json.Unmarshal(reply.Data, &answer); err != nil {
			return batchAnswer{}, fmt.Errorf("read answer to a batch: %w", err)
		}
	}
	switch {
	case answer.Error == nil:
		return answer, nil
	case hasMoved(answer.Error):
		return batchAnswer{}, fmt.Errorf("%w: %w", errMoved, answer.Error)
	}
	return batchAnswer{}, &refusedError{answer.Error}
}

// batching knows which streams take batches.
type batching struct {
	mu      sync.Mutex
	streams map[string]bool
	told    bool // the log has it that one does not
}

func (a *batching) has(stream string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.streams[stream]
}

// set reports whether the log is to be told that the stream takes no batches.
func (a *batching) set(stream string, takes bool) (tell bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.streams == nil {
		a.streams = map[string]bool{}
	}
	a.streams[stream] = takes
	tell = !takes && !a.told
	a.told = a.told || tell
	return tell
}
