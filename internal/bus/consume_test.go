package bus

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/regwatch/regwatch/register"
)

// inbox collects what a handler was given.
type inbox struct {
	mu     sync.Mutex
	ids    []string
	bodies [][]byte
}

func (i *inbox) add(ids []string, bodies [][]byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ids, i.bodies = append(i.ids, ids...), append(i.bodies, bodies...)
}

func (i *inbox) list() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.ids)
}

func consume(t *testing.T, b *Bus, handle func(context.Context, []string, [][]byte) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := b.Consume(ctx, "notifier", handle); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

func TestConsumeGivesEveryEventOfBothStreams(t *testing.T) {
	dir, outbox, got := t.TempDir(), newOutbox(), &inbox{}
	b := openBus(t, Options{Dir: dir})
	for range 3 {
		outbox.commitChange("cz-x")
	}
	signal := outbox.commitSignal("cz-x", 1)
	stopRelay := runRelay(t, b.NewRelay(outbox, RelayOptions{Logger: testLog(t)}))
	stop := consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error { got.add(ids, bodies); return nil })
	within(t, 5*time.Second, "four events", func() bool { return len(got.list()) == 4 })
	stop()
	stopRelay()

	i := slices.Index(got.list(), signal.ID)
	if i < 0 {
		t.Fatalf("no signal among %v", got.list())
	}
	var event register.Event
	if err := json.Unmarshal(got.bodies[i], &event); err != nil || event.Type != "regwatch.ops.held" || event.ID != signal.ID {
		t.Errorf("event %+v, %v", event, err)
	}
	if changes := slices.Delete(got.list(), i, i+1); !slices.Equal(changes, outbox.ids(StreamChanges, "cz-x")) {
		t.Errorf("changes came as %v", changes)
	}

	// What was acknowledged does not come again after a restart; what is new does.
	closeBus(t, b)
	b = openBus(t, Options{Dir: dir})
	fifth := outbox.commitChange("cz-x")
	runRelay(t, b.NewRelay(outbox, RelayOptions{Logger: testLog(t)}))
	consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error { got.add(ids, bodies); return nil })
	within(t, 5*time.Second, "the new event", func() bool { return len(got.list()) >= 5 })
	if ids := got.list(); len(ids) != 5 || ids[4] != fifth.ID {
		t.Errorf("events %v, want the fifth to be %s", ids, fifth.ID)
	}
}

func TestConsumeComesAgainAfterAnError(t *testing.T) {
	b, outbox, got := openBus(t, Options{}), newOutbox(), &inbox{}
	outbox.commitChange("cz-x")
	outbox.commitChange("cz-x")
	stopRelay := runRelay(t, b.NewRelay(outbox, RelayOptions{Logger: testLog(t)}))
	within(t, 5*time.Second, "both are on the stream", func() bool { return outbox.waiting() == 0 })
	stopRelay()
	failures := 0
	consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error {
		if slices.Contains(ids, "cz-x-c1") && failures < 2 { // with the other, if that has come, and by itself
			failures++
			return errors.New("database is locked")
		}
		got.add(ids, bodies)
		return nil
	})
	within(t, 10*time.Second, "the first event after the second", func() bool {
		return slices.Contains(got.list(), "cz-x-c1") && slices.Contains(got.list(), "cz-x-c2")
	})
	if failures != 2 {
		t.Errorf("failed %d times", failures)
	}
}

// Events that wait are handed out together, in order, and one of them that can
// not be handled holds up none of the others.
func TestConsumeTogether(t *testing.T) {
	b, outbox, got := openBus(t, Options{}), newOutbox(), &inbox{}
	for range 3 * eventBatch {
		outbox.commitChange("cz-x")
	}
	runRelay(t, b.NewRelay(outbox, RelayOptions{Logger: testLog(t)}))
	within(t, 20*time.Second, "all are on the stream", func() bool { return outbox.waiting() == 0 })
	bad, calls := outbox.rows[eventBatch+7].ID, 0
	consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error {
		calls++
		if slices.Contains(ids, bad) {
			return errors.New("not this one")
		}
		got.add(ids, bodies)
		return nil
	})
	within(t, 20*time.Second, "all but the bad one", func() bool { return len(got.list()) >= 3*eventBatch-1 })
	want := slices.DeleteFunc(outbox.ids(StreamChanges, "cz-x"), func(id string) bool { return id == bad })
	if !slices.Equal(got.list(), want) {
		t.Errorf("%d events, want %d in order, each once", len(got.list()), len(want))
	}
	if calls > 2*eventBatch {
		t.Errorf("%d calls for %d events", calls, 3*eventBatch)
	}
}

func TestConsumeHealsWhenItsConsumerOrStreamIsGone(t *testing.T) {
	b, outbox, got := openBus(t, Options{}), newOutbox(), &inbox{}
	consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error { got.add(ids, bodies); return nil })
	relay := b.NewRelay(outbox, RelayOptions{Poll: 10 * time.Millisecond, Logger: testLog(t)})
	runRelay(t, relay)
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "the first event", func() bool { return len(got.list()) == 1 })
	if err := b.js.DeleteConsumer(t.Context(), StreamChanges, "notifier"); err != nil {
		t.Fatal(err)
	}
	within(t, 30*time.Second, "the first event again, for a new consumer", func() bool { return len(got.list()) == 2 })
	if err := b.js.DeleteStream(t.Context(), StreamChanges); err != nil {
		t.Fatal(err)
	}
	second := outbox.commitChange("cz-x")
	within(t, 20*time.Second, "the second event", func() bool { return slices.Contains(got.list(), second.ID) })
}

// outsider is somebody else's program: plain nats.go over TCP, with a durable
// consumer of its own.
type outsider struct {
	conn     *nats.Conn
	consumer jetstream.Consumer
}

func newOutsider(t *testing.T, url, token string) *outsider {
	t.Helper()
	conn, err := nats.Connect(url, nats.Token(token))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.CreateOrUpdateConsumer(t.Context(), StreamChanges, jetstream.ConsumerConfig{
		Durable: "somebody", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "regwatch.v1.change.cz-x.>",
	})
	if err != nil {
		t.Fatal(err)
	}
	return &outsider{conn, consumer}
}

// read takes n messages and checks that they go on at sequence first.
func (o *outsider) read(t *testing.T, first, n int) {
	t.Helper()
	for want := first; want < first+n; want++ {
		message, err := o.consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			t.Fatalf("waiting for sequence %d: %v", want, err)
		}
		var event struct {
			ID   string
			Data register.Change
		}
		if err := json.Unmarshal(message.Data(), &event); err != nil {
			t.Fatal(err)
		}
		header := message.Headers()
		if *event.Data.Sequence != int64(want) || header.Get(HeaderSequence) != strconv.Itoa(want) || header.Get("Nats-Msg-Id") != event.ID {
			t.Fatalf("sequence %d, headers %v, want %d", *event.Data.Sequence, header, want)
		}
		if err := message.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOutsideConsumerGetsEveryChangeInOrder(t *testing.T) {
	dir, outbox := t.TempDir(), newOutbox()
	options := Options{Dir: dir, Listen: "127.0.0.1:0", Token: "s3cret"}
	b := openBus(t, options)
	relay := b.NewRelay(outbox, RelayOptions{Holder: "one", Logger: testLog(t)})
	stop := runRelay(t, relay)
	commit := func(n int) {
		for range n {
			outbox.commitChange("cz-x")
			outbox.commitChange("ee-y")
			relay.Wake()
		}
	}
	out := newOutsider(t, b.URL(), "s3cret")
	commit(100)
	out.read(t, 1, 100)
	out.conn.Close()
	commit(50) // while it is away

	out = newOutsider(t, b.URL(), "s3cret")
	out.read(t, 101, 50)
	out.conn.Close()
	commit(25)
	within(t, 5*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
	stop()
	closeBus(t, b) // and while the service is away
	commit(25)

	b = openBus(t, options)
	relay = b.NewRelay(outbox, RelayOptions{Holder: "one", Logger: testLog(t)})
	runRelay(t, relay)
	out = newOutsider(t, b.URL(), "s3cret")
	defer out.conn.Close()
	out.read(t, 151, 50)
	if message, err := out.consumer.Next(jetstream.FetchMaxWait(50 * time.Millisecond)); err == nil {
		t.Errorf("one too many: %v", message.Headers())
	}
}

// The server of somebody else goes away and comes back; nobody starts anew, and
// what was done meanwhile arrives.
func TestOutageOfAnExternalServer(t *testing.T) {
	outside := openBus(t, Options{Listen: "127.0.0.1:0", Token: "t"})
	b, outbox, got := openBus(t, Options{URL: outside.URL(), Token: "t"}), newOutbox(), &inbox{}
	relay := b.NewRelay(outbox, RelayOptions{Poll: 10 * time.Millisecond, Logger: testLog(t)})
	runRelay(t, relay)
	consume(t, b, func(_ context.Context, ids []string, bodies [][]byte) error { got.add(ids, bodies); return nil })
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "the first event", func() bool { return len(got.list()) == 1 })

	outside.server.shutdown()
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "the connection is lost", func() bool { return !b.conn.IsConnected() })
	for what, err := range map[string]error{"health": b.Health(t.Context()), "publish": b.PublishDue(t.Context(), dueAt("cz-x", 0))} {
		if err == nil || !strings.Contains(err.Error(), "no connection to NATS at "+outside.URL()) {
			t.Errorf("%s: %v, want that there is no connection", what, err)
		}
	}
	if err := outside.server.restart(); err != nil {
		t.Fatal(err)
	}
	within(t, 20*time.Second, "the second event", func() bool { return len(got.list()) == 2 })
	checkStreams(t, b, outbox, "cz-x")
}

// arrived is a message of which the server says how many stood behind it.
type arrived struct {
	jetstream.Msg
	pending uint64
}

func (m arrived) Metadata() (*jetstream.MsgMetadata, error) {
	return &jetstream.MsgMetadata{NumPending: m.pending}, nil
}

// What has arrived is handled together, also where the server had nothing more when
// it sent it.
func TestTogetherTakesWhatHasArrived(t *testing.T) {
	messages := make(chan jetstream.Msg, 8)
	for range 4 {
		messages <- arrived{}
	}
	if n := len(together(arrived{}, messages, 8)); n != 5 {
		t.Errorf("%d messages together, want 5", n)
	}
	if n := len(together(arrived{}, messages, 8)); n != 1 {
		t.Errorf("%d messages together when nothing is there, want 1", n)
	}
}
