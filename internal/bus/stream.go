package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// duplicateWindow is how long JetStream remembers an event's id; it keeps
	// every one of them in memory. Later repeats are kept out by the relay.
	duplicateWindow = 10 * time.Minute

	// A run that nobody did for a day is not wanted any more: the schedule has
	// asked again.
	dueAge             = 24 * time.Hour
	dueBytes           = 64 << 20
	dueDuplicateWindow = 2 * time.Hour
)

// ensureStreams creates what is missing and sets what we decide. What an
// operator added to a stream (replicas, placement, compression …) stays.
func (b *Bus) ensureStreams(ctx context.Context) error {
	for _, want := range b.streams() {
		if err := b.ensureBatches(ctx, want); err != nil {
			return fmt.Errorf("prepare stream %s at %s: %w", want.Name, b.place(), b.explain(err))
		}
	}
	return nil
}

func (b *Bus) streams() []jetstream.StreamConfig {
	changes, ops := b.options.Changes, b.options.Ops
	return []jetstream.StreamConfig{{
		Name: StreamDue, Description: "regwatch: runs to do", Subjects: []string{subjectDue + "*"},
		Retention: jetstream.WorkQueuePolicy, MaxAge: dueAge, MaxBytes: dueBytes, Duplicates: dueDuplicateWindow,
	}, {
		Name: StreamChanges, Description: "regwatch: every announced change", Subjects: []string{subjectChanges + "*.*"},
		Retention: jetstream.LimitsPolicy, MaxAge: changes.MaxAge, MaxBytes: changes.MaxBytes, Duplicates: duplicateWindow,
		AllowAtomicPublish: true,
	}, {
		Name: StreamOps, Description: "regwatch: what the operator is told", Subjects: []string{subjectOps + "*.*"},
		Retention: jetstream.LimitsPolicy, MaxAge: ops.MaxAge, MaxBytes: ops.MaxBytes, Duplicates: duplicateWindow,
		AllowAtomicPublish: true,
	}, {
		Name: streamCanary, Description: "regwatch: shows whether messages can be stored", Subjects: []string{subjectCanary},
		Retention: jetstream.LimitsPolicy, MaxMsgs: 1, MaxBytes: 1 << 20, Duplicates: time.Second,
	}}
}

// ensureBatches prepares a stream and notes whether it takes atomic batches. A
// server before 2.12 does not know them: it passes over the wish, or refuses it,
// and the same holds for an operator's settings that exclude them.
func (b *Bus) ensureBatches(ctx context.Context, want jetstream.StreamConfig) error {
	info, err := b.ensureStream(ctx, want)
	if _, refused := errors.AsType[*jetstream.APIError](err); refused && want.AllowAtomicPublish {
		without := want
		without.AllowAtomicPublish = false
		info, err = b.ensureStream(ctx, without)
	}
	if err != nil || !want.AllowAtomicPublish {
		return err
	}
	if b.batching.set(want.Name, info.Config.AllowAtomicPublish) {
		b.log.Info("the NATS server takes no atomic batches (2.12 and later do): events are published one by one, which takes longer",
			"server", b.place(), "version", b.conn.ConnectedServerVersion(), "stream", want.Name)
	}
	return nil
}

func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	want.Storage, want.Discard = jetstream.FileStorage, jetstream.DiscardOld
	if want.MaxMsgs == 0 {
		want.MaxMsgs = -1
	}
	have, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return infoOf(b.js.CreateStream(ctx, want))
	}
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) {
		return nil, fmt.Errorf("%w: start nats-server with -js", err)
	}
	if err != nil {
		return nil, err
	}
	old := have.CachedInfo().Config
	config := old
	config.Description, config.Subjects, config.Retention = want.Description, want.Subjects, want.Retention
	config.MaxMsgs, config.MaxBytes, config.MaxAge = want.MaxMsgs, want.MaxBytes, want.MaxAge
	config.Duplicates, config.Storage, config.Discard = want.Duplicates, want.Storage, want.Discard
	config.AllowAtomicPublish = old.AllowAtomicPublish || want.AllowAtomicPublish
	if reflect.DeepEqual(old, config) {
		return have.CachedInfo(), nil
	}
	return infoOf(b.js.UpdateStream(ctx, config))
}

func infoOf(stream jetstream.Stream, err error) (*jetstream.StreamInfo, error) {
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}
