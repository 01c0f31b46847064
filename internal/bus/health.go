package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	canaryTimeout = 3 * time.Second
	healAfter     = 2                // failed canaries in a row, lest a slow disk be taken for a broken server
	healEvery     = 30 * time.Second // at most

	// AlarmShare is how full a stream may be before the operator should know:
	// when it is full its oldest messages go.
	AlarmShare = 0.8
)

// Usage is how full a stream is.
type Usage struct {
	Stream   string
	Messages uint64
	Bytes    uint64
	MaxBytes uint64
}

// Share is the used part of MaxBytes, 1 when it is full.
func (u Usage) Share() float64 {
	if u.MaxBytes == 0 {
		return 0
	}
	return float64(u.Bytes) / float64(u.MaxBytes)
}

// Health stores one small message, because a server whose disk was full says
// that it is well and stores nothing. It fails after three seconds at the
// latest, and when what is consumed here can not be read. An embedded server that fails it again and again is started anew on
// the same files, which ends its refusal once there is room again.
func (b *Bus) Health(ctx context.Context) error {
	err := b.canary(ctx)
	if b.server != nil {
		err = b.server.log.blame(err)
	}
	if ctx.Err() != nil || b.server == nil || b.conn.IsClosed() || !b.ill.note(err, time.Now()) {
		return errors.Join(err, b.unread.err())
	}
	b.log.Warn("embedded NATS does not store messages and is started anew", "dir", b.options.Dir, "err", err)
	return errors.Join(err, b.server.restart())
}

// unread names the streams that a consumer of ours can not read.
type unread struct {
	mu      sync.Mutex
	streams map[string]error
}

func (u *unread) set(stream string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.streams == nil {
		u.streams = map[string]error{}
	}
	u.streams[stream] = err
}

func (u *unread) clear(stream string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.streams, stream)
}

func (u *unread) err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var errs []error
	for _, stream := range slices.Sorted(maps.Keys(u.streams)) {
		errs = append(errs, fmt.Errorf("the stream %s can not be read: %w", stream, u.streams[stream]))
	}
	return errors.Join(errs...)
}

// illness counts failed canaries.
type illness struct {
	mu       sync.Mutex
	failures int
	healed   time.Time // when the server was last started anew
}

// note reports whether it is time to start the server anew.
func (i *illness) note(err error, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err == nil {
		i.failures = 0
		return false
	}
	i.failures++
	if i.failures < healAfter || now.Sub(i.healed) < healEvery {
		return false
	}
	i.failures, i.healed = 0, now
	return true
}

func (b *Bus) canary(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, canaryTimeout)
	defer cancel()
	message := &nats.Msg{Subject: subjectCanary}
	if _, err := b.js.PublishMsg(ctx, message, jetstream.WithExpectStream(streamCanary)); err != nil {
		return fmt.Errorf("NATS at %s does not store messages: %w", b.place(), b.explain(err))
	}
	return nil
}

// Usage says how full the streams are, for an alarm at [AlarmShare].
func (b *Bus) Usage(ctx context.Context) ([]Usage, error) {
	var all []Usage
	for _, stream := range []string{StreamDue, StreamChanges, StreamOps} {
		info, err := b.info(ctx, stream)
		if err != nil {
			return nil, err
		}
		all = append(all, Usage{
			Stream: stream, Messages: info.State.Msgs, Bytes: info.State.Bytes,
			MaxBytes: uint64(max(info.Config.MaxBytes, 0)),
		})
	}
	return all, nil
}
