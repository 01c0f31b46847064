package bus

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

// runRelay runs the relay until the returned function is called.
func runRelay(t *testing.T, r *Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

// streamed lists the messages of a stream on a subject, oldest first.
func streamed(t interface {
	Fatal(args ...any)
	Context() context.Context
}, b *Bus, stream, subject string,
) []jetstream.Msg {
	consumer, err := b.js.OrderedConsumer(t.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := consumer.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []jetstream.Msg
	if info.NumPending == 0 {
		return nil
	}
	batch, err := consumer.FetchNoWait(int(info.NumPending))
	if err != nil {
		t.Fatal(err)
	}
	for message := range batch.Messages() {
		all = append(all, message)
	}
	return all
}

func streamedIDs(t interface {
	Fatal(args ...any)
	Context() context.Context
}, b *Bus, stream, registerID string,
) []string {
	var ids []string
	for _, message := range streamed(t, b, stream, registerSubjects(stream, registerID)) {
		ids = append(ids, message.Headers().Get(jetstream.MsgIDHeader))
	}
	return ids
}

func TestRelayPublishesInOrder(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	for n := range 700 { // more than two batches
		outbox.commitChange([]string{"cz-x", "ee-y"}[n%2])
	}
	outbox.commitSignal("cz-x", 1)
	relay := b.NewRelay(outbox, RelayOptions{Source: "https://regwatch.example.org", Logger: testLog(t)})
	runRelay(t, relay)
	within(t, 20*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
	for _, id := range []string{"cz-x", "ee-y"} {
		if got, want := streamedIDs(t, b, StreamChanges, id), outbox.ids(StreamChanges, id); !slices.Equal(got, want) {
			t.Errorf("%s: %d messages, want %d in order", id, len(got), len(want))
		}
	}

	change := streamed(t, b, StreamChanges, registerSubjects(StreamChanges, "cz-x"))[1]
	if change.Subject() != "regwatch.v1.change.cz-x.added" || change.Headers().Get(HeaderSequence) != "2" {
		t.Errorf("subject %q, headers %v", change.Subject(), change.Headers())
	}
	want, _ := json.Marshal(outbox.rows[2].Event("https://regwatch.example.org"))
	if string(change.Data()) != string(want) {
		t.Errorf("body %s, want %s", change.Data(), want)
	}
	signal := streamed(t, b, StreamOps, registerSubjects(StreamOps, "cz-x"))[0]
	if signal.Subject() != "regwatch.v1.ops.cz-x.held" || signal.Headers().Get(HeaderSequence) != "" ||
		signal.Headers().Get(jetstream.MsgIDHeader) != "cz-x-s1" {
		t.Errorf("subject %q, headers %v", signal.Subject(), signal.Headers())
	}
}

func TestWakeIsFasterThanThePoll(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	relay := b.NewRelay(outbox, RelayOptions{Poll: time.Hour, Logger: testLog(t)})
	runRelay(t, relay)
	for range 20 {
		outbox.commitChange("cz-x")
		relay.Wake()
		within(t, 5*time.Second, "published after Wake", func() bool { return outbox.waiting() == 0 })
	}
}

func TestPollFindsCommitsOfOtherProcesses(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	runRelay(t, b.NewRelay(outbox, RelayOptions{Poll: 10 * time.Millisecond, Logger: testLog(t)}))
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "published without Wake", func() bool { return outbox.waiting() == 0 })
}

// faultyWire lets publishes fail before, in the middle of, or after the stream
// stored them.
type faultyWire struct {
	wire
	next   func() fault
	forget func() // after the streams were set to what they should be; may be nil
}

func (w *faultyWire) repair(ctx context.Context) error {
	err := w.wire.repair(ctx)
	if w.forget != nil {
		w.forget()
	}
	return err
}

type fault int

const (
	none        fault = iota
	lost              // nothing arrived
	cut               // half of the messages arrived; all are reported as lost
	answerLost        // everything arrived; all are reported as lost
	answerLate        // everything arrived; half are acknowledged
	secondRelay       // somebody else writes first
	abandoned         // half of an atomic batch arrived, and never its end
)

func (w *faultyWire) publish(ctx context.Context, stream string, after uint64, messages []*nats.Msg) (int, error) {
	broken := errors.New("connection broke")
	switch w.next() {
	case lost:
		return 0, broken
	case cut:
		_, err := w.wire.publish(ctx, stream, after, messages[:len(messages)/2])
		return 0, errors.Join(err, broken)
	case abandoned:
		for i, message := range messages[:len(messages)/2] {
			if err := w.wire.(*Bus).conn.PublishMsg(partOf("abandoned-"+stream, i+1, message)); err != nil {
				return 0, err
			}
		}
		return 0, broken
	case answerLost:
		_, err := w.wire.publish(ctx, stream, after, messages)
		return 0, errors.Join(err, broken)
	case answerLate:
		stored, err := w.wire.publish(ctx, stream, after, messages)
		return stored / 2, errors.Join(err, broken)
	case secondRelay:
		if _, err := w.wire.publish(ctx, stream, after, messages[:1]); err != nil {
			return 0, err
		}
	}
	return w.wire.publish(ctx, stream, after, messages)
}

func TestEachFaultLeavesOneMessageAnEvent(t *testing.T) {
	faults := map[string]fault{
		"lost": lost, "cut": cut, "answer lost": answerLost, "answer late": answerLate, "second relay": secondRelay, "abandoned": abandoned,
	}
	for name, broken := range faults {
		t.Run(name+", one by one", func(t *testing.T) { testFault(t, broken, atomicFrom/2) })
		t.Run(name+", in batches", func(t *testing.T) { testFault(t, broken, 3*atomicFrom) })
	}
}

func testFault(t *testing.T, broken fault, events int) {
	b, outbox := openBus(t, Options{}), newOutbox()
	for n := range events {
		outbox.commitChange("cz-x")
		outbox.commitSignal("cz-x", n)
	}
	var calls atomic.Int32
	w := &faultyWire{wire: b, forget: func() { forgetDuplicates(t, b) }, next: func() fault {
		if calls.Add(1) <= 2 {
			return broken
		}
		return none
	}}
	runRelay(t, newRelay(w, outbox, RelayOptions{Logger: testLog(t)}))
	within(t, 10*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
	checkStreams(t, b, outbox, "cz-x")
}

// forgetDuplicates takes JetStream's own memory of ids away, so that only the
// relay keeps repeats out, as after a long pause: it makes that memory as short as it
// can be, and waits until the last message is older.
func forgetDuplicates(t interface {
	Fatal(args ...any)
	Context() context.Context
}, b *Bus,
) {
	for _, stream := range []string{StreamChanges, StreamOps} {
		info, err := b.info(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		info.Config.Duplicates = 100 * time.Millisecond // the shortest there is
		if _, err := b.js.UpdateStream(t.Context(), info.Config); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(5 * time.Millisecond)
		for time.Since(info.State.LastTime) < 3*info.Config.Duplicates/2 {
			<-tick.C
		}
		tick.Stop()
	}
}

func checkStreams(t interface {
	Fatal(args ...any)
	Errorf(format string, args ...any)
	Context() context.Context
}, b *Bus, outbox *memoryOutbox, registers ...string,
) {
	for _, id := range registers {
		for _, stream := range []string{StreamChanges, StreamOps} {
			if got, want := streamedIDs(t, b, stream, id), outbox.ids(stream, id); !slices.Equal(got, want) {
				t.Errorf("%s of %s: %v, want %v", stream, id, got, want)
			}
		}
	}
}

// Whatever fails, and however often relays are killed and replaced, every
// event is on its stream once and in order.
func TestRelayProperty(t *testing.T) {
	b := openBus(t, Options{})
	rapid.Check(t, func(rt *rapid.T) {
		for _, stream := range []string{StreamChanges, StreamOps} {
			s, err := b.js.Stream(rt.Context(), stream)
			if err != nil {
				rt.Fatal(err)
			}
			if err := s.Purge(rt.Context()); err != nil {
				rt.Fatal(err)
			}
			if err := b.js.DeleteStream(rt.Context(), stream); err != nil { // its memory of ids too
				rt.Fatal(err)
			}
		}
		if err := b.ensureStreams(rt.Context()); err != nil {
			rt.Fatal(err)
		}
		outbox := newOutbox()
		w := &faultyWire{wire: b, next: func() fault {
			return rapid.SampledFrom([]fault{none, lost, cut, answerLost, answerLate, secondRelay, abandoned}).Draw(rt, "fault")
		}}
		clock := someTick
		most := rapid.SampledFrom([]int{relayBatch, atomicFrom + 8, 2}).Draw(rt, "events at a time") // few: the next ones are read ahead
		relays := []*Relay{nil, nil, nil}
		for range rapid.IntRange(5, 40).Draw(rt, "steps") {
			n := rapid.IntRange(0, len(relays)-1).Draw(rt, "relay")
			switch rapid.IntRange(0, 4).Draw(rt, "step") {
			case 0:
				for range rapid.SampledFrom([]int{1, 1, 1, 2 * atomicFrom}).Draw(rt, "changes") {
					outbox.commitChange(rapid.SampledFrom([]string{"cz-x", "ee-y"}).Draw(rt, "register"))
				}
			case 1:
				outbox.commitSignal("cz-x", len(outbox.rows))
			case 2: // killed, without a word
				relays[n] = nil
			case 3: // a lease's life goes by
				clock = clock.Add(time.Minute)
			case 4:
				outbox.fail(rapid.IntRange(0, 1).Draw(rt, "marks that fail"), rapid.SampledFrom([]int{0, 0, 1}).Draw(rt, "reads that fail"))
				if relays[n] == nil {
					relays[n] = newRelay(w, outbox, RelayOptions{Now: func() time.Time { return clock }})
					relays[n].most = most
				}
				relays[n].pass(rt.Context())
			}
		}
		outbox.fail(0, 0)
		w.next = func() fault { return none }
		clock = clock.Add(time.Minute)
		last := newRelay(w, outbox, RelayOptions{Now: func() time.Time { return clock }})
		last.most = most
		for outbox.waiting() > 0 {
			_, err := last.pass(rt.Context())
			if err != nil && !errors.Is(err, errMoved) { // moved: a publish whose answer was late came in just now
				rt.Fatal(err)
			}
		}
		checkStreams(rt, b, outbox, "cz-x", "ee-y")
	})
}

func TestCrashBetweenAcknowledgementAndMark(t *testing.T) {
	dir, outbox := t.TempDir(), newOutbox()
	b := openBus(t, Options{Dir: dir})
	for n := range 5 {
		outbox.commitChange("cz-x")
		outbox.commitSignal("cz-x", n)
	}
	outbox.failMarks = 1
	if _, err := newRelay(b, outbox, RelayOptions{Holder: "a"}).pass(t.Context()); err == nil {
		t.Fatal("the mark did not fail")
	}
	closeBus(t, b) // and the process is gone, its lease is not

	b = openBus(t, Options{Dir: dir})
	forgetDuplicates(t, b)
	outbox.commitChange("cz-x")
	runRelay(t, b.NewRelay(outbox, RelayOptions{Holder: "a", Logger: testLog(t)})) // the same name: at once
	within(t, 5*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
	checkStreams(t, b, outbox, "cz-x")
}

func TestLeaseIsHandedOver(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	options := RelayOptions{Poll: 10 * time.Millisecond, TTL: time.Hour, Logger: testLog(t)}
	stop := runRelay(t, b.NewRelay(outbox, options))
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "the first relay works", func() bool { return outbox.waiting() == 0 })
	first := outbox.holder

	runRelay(t, b.NewRelay(outbox, options))
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "the first relay goes on", func() bool { return outbox.waiting() == 0 })
	stop() // gives the lease back, an hour before its end
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "the second relay takes over", func() bool { return outbox.waiting() == 0 })
	outbox.mu.Lock()
	defer outbox.mu.Unlock()
	if outbox.holder == first || outbox.holder == "" {
		t.Errorf("lease held by %q, before by %q", outbox.holder, first)
	}
}

// A relay that slept through the end of its lease, with rows in its hand that
// another relay has published since, is refused by the stream.
func TestSleepingRelayIsFencedOff(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	forgetDuplicates(t, b)
	sleeper := newRelay(b, outbox, RelayOptions{Holder: "sleeper"})
	if _, err := sleeper.pass(t.Context()); err != nil { // knows where the stream stands
		t.Fatal(err)
	}
	outbox.commitChange("cz-x")
	rows, _ := outbox.Unpublished(t.Context(), 0, 10)
	outbox.until = time.Time{}
	if _, err := newRelay(b, outbox, RelayOptions{Holder: "other"}).pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := sleeper.publish(t.Context(), StreamChanges, rows, nil); !errors.Is(err, errMoved) {
		t.Errorf("error %v, want errMoved", err)
	}
	checkStreams(t, b, outbox, "cz-x")
}

// The stream is ahead of where a relay believes it to be, by fewer messages than
// it has in its hand: none of them may land, also not the one that would by
// chance name the right position.
func TestMessagesAfterAStalePositionAreRefused(t *testing.T) {
	for name, events := range map[string]int{"one by one": atomicFrom - 1, "in a batch": 2 * atomicFrom} {
		t.Run(name, func(t *testing.T) {
			b, outbox := openBus(t, Options{}), newOutbox()
			for range 10 {
				outbox.commitChange("ee-y")
			}
			relay := b.NewRelay(outbox, RelayOptions{})
			if _, err := relay.pass(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range events {
				outbox.commitChange("cz-x")
			}
			messages, _, _ := relay.messages(outbox.rows[10:], nil)
			if stored, err := b.publish(t.Context(), StreamChanges, 2, messages); stored != 0 || !errors.Is(err, errMoved) {
				t.Errorf("%d stored, error %v, want errMoved", stored, err)
			}
			if got := streamedIDs(t, b, StreamChanges, "cz-x"); len(got) > 0 {
				t.Errorf("stream holds %v", got)
			}
		})
	}
}

func TestStreamThatIsGoneIsMadeAgain(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	runRelay(t, b.NewRelay(outbox, RelayOptions{Poll: 10 * time.Millisecond, Logger: testLog(t)}))
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "published", func() bool { return outbox.waiting() == 0 })
	if err := b.js.DeleteStream(t.Context(), StreamChanges); err != nil {
		t.Fatal(err)
	}
	second := outbox.commitChange("cz-x")
	within(t, 20*time.Second, "published again", func() bool { return outbox.waiting() == 0 })
	if got := streamedIDs(t, b, StreamChanges, "cz-x"); !slices.Equal(got, []string{second.ID}) {
		t.Errorf("stream holds %v", got)
	}
}

func TestEventThatCanNotBeSentStopsNothing(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	large := outbox.commitChange("cz-x")
	large.Change.After = register.Values{{Name: "reason", Text: strings.Repeat("x", maxPayload)}}
	outbox.commitChange("cz-x")
	outbox.commitChange("not a token")
	outbox.rows = append(outbox.rows, register.Outgoing{ID: "nothing", Register: "cz-x"})
	outbox.commitChange("ee-y")
	var log strings.Builder
	relay := b.NewRelay(outbox, RelayOptions{})
	relay.options.Logger = testLogTo(&log)
	runRelay(t, relay)()
	within(t, 5*time.Second, "the outbox is empty", func() bool {
		_, err := relay.pass(t.Context())
		return err == nil && outbox.waiting() == 0
	})
	if got := streamedIDs(t, b, StreamChanges, "cz-x"); !slices.Equal(got, []string{"cz-x-c2"}) {
		t.Errorf("stream holds %v", got)
	}
	if got := streamedIDs(t, b, StreamChanges, "ee-y"); len(got) != 1 {
		t.Errorf("stream holds %v", got)
	}
	for _, want := range []string{"cz-x-c1", "max_payload", "not a token", "neither a change nor a signal"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q: %s", want, log.String())
		}
	}
}

// Whoever waits for the first events of many need not wait for the rest: they are
// on the stream, and marked, before the others are read.
func TestFirstEventsAfterARestGoAhead(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	relay := b.NewRelay(outbox, RelayOptions{Poll: time.Hour, Logger: testLog(t)})
	if _, err := relay.pass(t.Context()); err != nil { // knows where the streams stand
		t.Fatal(err)
	}
	for n := range 2 {
		before := len(batches(t, b))
		commitMany(outbox, 1+relaySome+2*relaySome+2*atomicFrom)
		if n == 0 {
			runRelay(t, relay)
		} else {
			relay.Wake()
		}
		within(t, 10*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
		if ids := batches(t, b)[before:]; len(ids) != 4 || ids[0] != "" || slices.Contains(ids[1:], "") {
			t.Errorf("batches %q, want the first message by itself, and three batches", ids)
		}
	}
	checkStreams(t, b, outbox, "cz-x")
}

// readOutbox tells of reads behind a position.
type readOutbox struct {
	*memoryOutbox
	behind chan int64
}

func (o readOutbox) Unpublished(ctx context.Context, after int64, limit int) ([]register.Outgoing, error) {
	if after > 0 {
		o.behind <- after
	}
	return o.memoryOutbox.Unpublished(ctx, after, limit)
}

// waitingWire publishes when it is told to.
type waitingWire struct {
	wire
	wait func()
}

func (w waitingWire) publish(ctx context.Context, stream string, after uint64, messages []*nats.Msg) (int, error) {
	w.wait()
	return w.wire.publish(ctx, stream, after, messages)
}

// The server is waited for while a batch is published: the next one is read then, but
// none when nobody knows what of it is on the stream already.
func TestNextEventsAreReadWhileSomeArePublished(t *testing.T) {
	b, outbox := openBus(t, Options{}), readOutbox{newOutbox(), make(chan int64, 10)}
	waits := false
	relay := newRelay(waitingWire{b, func() {
		if !waits {
			return
		}
		waits = false
		select {
		case after := <-outbox.behind:
			if after != 4 {
				t.Errorf("read behind %d, want 4", after)
			}
		case <-time.After(10 * time.Second):
			t.Error("the next events are not read")
		}
	}}, outbox, RelayOptions{})
	relay.most = 2
	for range 7 {
		outbox.commitChange("cz-x")
	}
	for pass := range 4 {
		waits = pass == 1
		if _, err := relay.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if pass == 0 && len(outbox.behind) > 0 {
			t.Error("events were read ahead while it was not known what is on the stream")
		}
	}
	if outbox.waiting() > 0 {
		t.Errorf("%d events wait after four passes of two", outbox.waiting())
	}
	checkStreams(t, b, outbox.memoryOutbox, "cz-x")
}
