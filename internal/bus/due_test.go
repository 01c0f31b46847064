package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/regwatch/regwatch/register"
)

var someTick = time.Date(2025, 12, 23, 2, 15, 0, 0, time.UTC)

func dueAt(registerID string, n int) register.Due {
	return register.Due{Register: registerID, Tick: someTick.Add(time.Duration(n) * time.Hour), Trigger: register.TriggerSchedule}
}

func publishDue(t *testing.T, b *Bus, dues ...register.Due) {
	t.Helper()
	for _, due := range dues {
		if err := b.PublishDue(t.Context(), due); err != nil {
			t.Fatal(err)
		}
	}
}

// dueMessages counts what is in the work queue.
func dueMessages(t *testing.T, b *Bus) uint64 {
	t.Helper()
	usage, err := b.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return usage[0].Messages
}

// consumeDue runs ConsumeDue until the returned function is called.
func consumeDue(t *testing.T, b *Bus, workers int, handle func(context.Context, register.Due) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := b.ConsumeDue(ctx, workers, handle); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

func TestDueIsHandledOnceInOrderAndGone(t *testing.T) {
	b := openBus(t, Options{})
	for n := range 5 {
		publishDue(t, b, dueAt("cz-x", n), dueAt("cz-x", n)) // two schedulers
	}
	if n := dueMessages(t, b); n != 5 {
		t.Fatalf("%d messages for five ticks", n)
	}
	got := make(chan register.Due, 10)
	stop := consumeDue(t, b, 1, func(_ context.Context, due register.Due) error { got <- due; return nil })
	for n := range 5 {
		if due := <-got; due != dueAt("cz-x", n) {
			t.Errorf("%d: %+v, want %+v", n, due, dueAt("cz-x", n))
		}
	}
	within(t, 5*time.Second, "the queue is empty", func() bool { return dueMessages(t, b) == 0 })
	stop()
	if len(got) != 0 {
		t.Errorf("handled again: %+v", <-got)
	}
}

func TestDueRegisterIsNotRunTwiceAtOnce(t *testing.T) {
	b := openBus(t, Options{})
	publishDue(t, b, dueAt("cz-x", 0), dueAt("cz-x", 1), dueAt("ee-y", 0))
	b.dueBusyWait = 100 * time.Millisecond
	var running, handled atomic.Int32
	release, other := make(chan struct{}), make(chan struct{})
	consumeDue(t, b, 3, func(ctx context.Context, due register.Due) error {
		if due.Register == "ee-y" {
			close(other)
			return nil
		}
		if running.Add(1) > 1 {
			t.Error("run twice at once")
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		running.Add(-1)
		handled.Add(1)
		return nil
	})
	<-other // another register goes on meanwhile
	within(t, 5*time.Second, "the second tick was put back, and came again", func() bool {
		info, err := b.js.Consumer(t.Context(), StreamDue, dueDurable)
		return err == nil && info.CachedInfo().Delivered.Consumer > 3
	})
	close(release)
	within(t, 10*time.Second, "both ticks are handled", func() bool { return handled.Load() == 2 })
}

func TestFailedDueComesAgain(t *testing.T) {
	b := openBus(t, Options{})
	publishDue(t, b, dueAt("cz-x", 0))
	var tries atomic.Int32
	consumeDue(t, b, 1, func(context.Context, register.Due) error {
		if tries.Add(1) == 1 {
			return errors.New("store is busy")
		}
		return nil
	})
	within(t, 10*time.Second, "tried again and done", func() bool { return tries.Load() == 2 && dueMessages(t, b) == 0 })
}

func TestSlowDueIsKeptByHeartbeats(t *testing.T) {
	b := openBus(t, Options{})
	b.dueAckWait = time.Second // a busy machine keeps heartbeats waiting
	publishDue(t, b, dueAt("cz-x", 0))
	var tries atomic.Int32
	release := make(chan struct{})
	consumeDue(t, b, 1, func(ctx context.Context, _ register.Due) error {
		if tries.Add(1) == 1 {
			select {
			case <-release:
			case <-ctx.Done():
			}
		}
		return nil
	})
	within(t, 5*time.Second, "handler is called", func() bool { return tries.Load() == 1 })
	// A second worker would get the message as soon as it was silent for too long.
	spy := make(chan register.Due, 1)
	consumeDue(t, b, 1, func(_ context.Context, due register.Due) error { spy <- due; return nil })
	select {
	case due := <-spy:
		t.Errorf("%+v was given to a second worker", due)
	case <-time.After(2 * b.dueAckWait):
	}
	close(release)
	within(t, 5*time.Second, "it is done", func() bool { return dueMessages(t, b) == 0 })
}

func TestStopGivesDueBackAtOnce(t *testing.T) {
	b := openBus(t, Options{})
	publishDue(t, b, dueAt("cz-x", 0))
	started := make(chan struct{})
	stop := consumeDue(t, b, 1, func(ctx context.Context, _ register.Due) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	<-started
	stop()
	got := make(chan register.Due, 1)
	consumeDue(t, b, 1, func(_ context.Context, due register.Due) error { got <- due; return nil })
	select {
	case <-got:
	case <-time.After(5 * time.Second):
		t.Error("not given back within 5 s")
	}
}

func TestRestartKeepsDueAndReleasesWhatWasTaken(t *testing.T) {
	dir := t.TempDir()
	b := openBus(t, Options{Dir: dir})
	publishDue(t, b, dueAt("cz-x", 0), dueAt("ee-y", 0))
	source := &source{bus: b, stream: StreamDue}
	source.config.Durable, source.config.AckWait = dueDurable, time.Hour
	consumer, err := source.consumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := consumer.Next(); err != nil { // taken, and never answered
		t.Fatal(err)
	}
	closeBus(t, b)

	b = openBus(t, Options{Dir: dir})
	publishDue(t, b, dueAt("cz-x", 0)) // caught up again: still one message
	got := make(chan string, 10)
	consumeDue(t, b, 2, func(_ context.Context, due register.Due) error { got <- due.Register; return nil })
	within(t, 5*time.Second, "the queue is empty", func() bool { return dueMessages(t, b) == 0 })
	if seen := map[string]bool{<-got: true, <-got: true}; !seen["cz-x"] || !seen["ee-y"] {
		t.Errorf("handled %v", seen)
	}
}

func TestUnreadableDueIsDropped(t *testing.T) {
	b := openBus(t, Options{})
	for _, body := range []string{"", "{", `{"register":""}`, "[]"} {
		if _, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: subjectDue + "cz-x", Data: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	consumeDue(t, b, 1, func(_ context.Context, due register.Due) error { return fmt.Errorf("handled %+v", due) })
	within(t, 5*time.Second, "the queue is empty", func() bool { return dueMessages(t, b) == 0 })
}

func TestRegisterThatIsNoTokenIsRefused(t *testing.T) {
	b := openBus(t, Options{})
	for _, id := range []string{"", "a.b", "*", ">", "a b", "a\r\nb", "é"} {
		if err := b.PublishDue(t.Context(), dueAt(id, 0)); err == nil {
			t.Errorf("%q was published", id)
		}
	}
}
