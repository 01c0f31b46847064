package bus

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

func commitMany(outbox *memoryOutbox, n int) {
	for range n {
		outbox.commitChange("cz-x")
	}
}

// batches gives the ids of the batches in which a register's changes came, in
// order; an empty one for messages that came by themselves.
func batches(t *testing.T, b *Bus) []string {
	t.Helper()
	var ids []string
	for _, message := range streamed(t, b, StreamChanges, registerSubjects(StreamChanges, "cz-x")) {
		ids = append(ids, message.Headers().Get(headerBatch))
	}
	return slices.Compact(ids)
}

func TestManyEventsAreOneBatchAndFewAreNone(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	relay := b.NewRelay(outbox, RelayOptions{})
	for _, n := range []int{atomicFrom - 1, relayBatch, atomicFrom} {
		commitMany(outbox, n)
		if _, err := relay.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if ids := batches(t, b); len(ids) != 3 || ids[0] != "" || ids[1] == "" || ids[2] == "" {
		t.Errorf("batches %q, want none, one, another", ids)
	}
	checkStreams(t, b, outbox, "cz-x")
}

// A batch builds on a position as a single message does, and nothing of it is
// stored when the stream stands elsewhere.
func TestBatchOfSleepingRelayIsFencedOff(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	sleeper := newRelay(b, outbox, RelayOptions{Holder: "sleeper"})
	if _, err := sleeper.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	commitMany(outbox, 2*atomicFrom)
	rows, _ := outbox.Unpublished(t.Context(), 0, 2*atomicFrom)
	outbox.until = time.Time{}
	w := &faultyWire{wire: b, next: func() fault { return none }, forget: func() { forgetDuplicates(t, b) }}
	if _, err := newRelay(w, outbox, RelayOptions{Holder: "other"}).pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	messages, _, _ := sleeper.messages(rows, nil)
	within(t, 5*time.Second, "JetStream forgets the ids and sees where the batch builds on", func() bool {
		return errors.Is(b.publishAtomic(t.Context(), StreamChanges, 0, messages), errMoved)
	})
	if err := sleeper.publish(t.Context(), StreamChanges, rows, nil); !errors.Is(err, errMoved) {
		t.Errorf("error %v, want errMoved", err)
	}
	checkStreams(t, b, outbox, "cz-x")
}

func TestAcknowledgedBatchOutlivesTheServer(t *testing.T) {
	dir, outbox := t.TempDir(), newOutbox()
	b := openBus(t, Options{Dir: dir})
	commitMany(outbox, relayBatch)
	if _, err := b.NewRelay(outbox, RelayOptions{Holder: "a"}).pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	closeBus(t, b)
	checkStreams(t, openBus(t, Options{Dir: dir}), outbox, "cz-x")
}

// A stream that has lost its last messages, while JetStream still knows their
// ids, takes no batch with them. They are marked, and what is new goes out.
func TestBatchWithKnownIDsIsSentOneByOne(t *testing.T) {
	b, outbox := openBus(t, Options{}), newOutbox()
	commitMany(outbox, atomicFrom)
	outbox.failMarks = 1
	if _, err := b.NewRelay(outbox, RelayOptions{Holder: "a"}).pass(t.Context()); err == nil {
		t.Fatal("the mark did not fail")
	}
	stream, err := b.js.Stream(t.Context(), StreamChanges)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	commitMany(outbox, 2)
	runRelay(t, b.NewRelay(outbox, RelayOptions{Holder: "a", Logger: testLog(t)}))
	within(t, 10*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
	if got, want := streamedIDs(t, b, StreamChanges, "cz-x"), outbox.ids(StreamChanges, "cz-x")[atomicFrom:]; !slices.Equal(got, want) {
		t.Errorf("stream holds %v, want %v", got, want)
	}
}

func TestServerWithSmallerBatchesGetsMessagesOneByOne(t *testing.T) {
	outside := startOutside(t, func(o *server.Options) { o.JetStreamLimits.MaxBatchSize = atomicFrom / 2 })
	b, outbox := openBus(t, Options{URL: outside}), newOutbox()
	commitMany(outbox, 2*atomicFrom)
	if _, err := b.NewRelay(outbox, RelayOptions{}).pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ids := batches(t, b); !slices.Equal(ids, []string{""}) {
		t.Errorf("batches %q, want none", ids)
	}
	checkStreams(t, b, outbox, "cz-x")
}

// Servers without batches pass over the wish for them (before 2.12), refuse it
// (when strict), or hold a stream that can not have them. All go on as before.
func TestServerWithoutBatches(t *testing.T) {
	for name, open := range map[string]func(t *testing.T, url string, log *strings.Builder) *Bus{
		"passes over": func(t *testing.T, url string, log *strings.Builder) *Bus {
			return openLogged(t, oldServer(t, url, "allow_direct"), log)
		},
		"refuses": func(t *testing.T, url string, log *strings.Builder) *Bus {
			return openLogged(t, oldServer(t, url, "unknown_word"), log)
		},
		"stream of another kind": func(t *testing.T, url string, log *strings.Builder) *Bus {
			other := openBus(t, Options{URL: url})
			if err := other.js.DeleteStream(t.Context(), StreamChanges); err != nil {
				t.Fatal(err)
			}
			if _, err := other.js.CreateStream(t.Context(), jetstream.StreamConfig{
				Name: StreamChanges, Subjects: []string{subjectChanges + "*.*"}, PersistMode: jetstream.AsyncPersistMode,
			}); err != nil {
				t.Fatal(err)
			}
			return openLogged(t, url, log)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			b, outbox := open(t, startOutside(t, nil), &log), newOutbox()
			commitMany(outbox, 2*atomicFrom)
			relay := b.NewRelay(outbox, RelayOptions{})
			if _, err := relay.pass(t.Context()); err != nil {
				t.Fatal(err)
			}
			if ids := batches(t, b); !slices.Equal(ids, []string{""}) {
				t.Errorf("batches %q, want none", ids)
			}
			checkStreams(t, b, outbox, "cz-x")
			relay.positions = nil
			if _, err := relay.pass(t.Context()); err != nil { // prepares the streams again
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), "takes no atomic batches"); n != 1 {
				t.Errorf("said %d times in the log, want once: %s", n, log.String())
			}
		})
	}
}

// A server was replaced by an older one behind our back, which knows nothing of
// batches: it stores the first message by itself, and no other without a fence.
func TestServerThatForgotBatchesStoresOneMessage(t *testing.T) {
	b, outbox := openBus(t, Options{URL: oldServer(t, startOutside(t, nil), "allow_direct")}), newOutbox()
	commitMany(outbox, 2*atomicFrom)
	relay := b.NewRelay(outbox, RelayOptions{Logger: testLog(t)})
	messages, _, _ := relay.messages(outbox.rows, nil)
	b.batching.set(StreamChanges, true) // as it was before
	if stored, err := b.publish(t.Context(), StreamChanges, 0, messages); err == nil || stored != 0 {
		t.Errorf("%d stored for sure, error %v", stored, err)
	}
	if got := streamedIDs(t, b, StreamChanges, "cz-x"); !slices.Equal(got, []string{outbox.rows[0].ID}) {
		t.Errorf("stream holds %v, want the first event", got)
	}
	if _, err := relay.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkStreams(t, b, outbox, "cz-x")
}

func startOutside(t *testing.T, adjust func(*server.Options)) (url string) {
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true}
	if adjust != nil {
		adjust(options)
	}
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	within(t, startTimeout, "the server is ready", func() bool { return s.ReadyForConnections(time.Millisecond) })
	return s.ClientURL()
}

// oldServer makes a server look like one from before atomic batches: it reads
// another word for the wish to have them, and other names for their headers.
func oldServer(t *testing.T, url, instead string) (oldURL string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { listener.Close(); group.Wait() })
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			behind, err := net.Dial("tcp", strings.TrimPrefix(url, "nats://"))
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			group.Go(func() { forward(client, behind, instead) })
			group.Go(func() { forward(behind, client, instead) })
		}
	})
	return "nats://" + listener.Addr().String()
}

// forward copies line by line, so that no word is cut in two, until one side closes.
func forward(from, to net.Conn, instead string) {
	defer from.Close()
	defer to.Close()
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		line = bytes.ReplaceAll(line, []byte("allow_atomic"), []byte(instead)) // as long, or the payload's length is wrong
		line = bytes.ReplaceAll(line, []byte("Nats-Batch-"), []byte("Ours-Batch-"))
		if _, err := to.Write(line); err != nil {
			return
		}
	}
}

func openLogged(t *testing.T, url string, log io.Writer) *Bus {
	t.Helper()
	b, err := Open(t.Context(), Options{URL: url, Logger: testLogTo(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBus(t, b) })
	return b
}
