package bus

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestHealthWritesAMessage(t *testing.T) {
	b := openBus(t, Options{})
	for range 3 {
		if err := b.Health(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	info, err := b.info(t.Context(), streamCanary)
	if err != nil {
		t.Fatal(err)
	}
	if info.State.Msgs != 1 || info.State.LastSeq != 3 {
		t.Errorf("canary stream %+v, want one message, the third", info.State)
	}
}

// A server that accepts connections and stores nothing, as after a full disk,
// is found out and started anew; whatever runs on it goes on.
func TestServerThatStoresNothingIsStartedAnew(t *testing.T) {
	b, outbox := openBus(t, Options{Listen: "127.0.0.1:0", Token: "t"}), newOutbox()
	relay := b.NewRelay(outbox, RelayOptions{Poll: 10 * time.Millisecond, Logger: testLog(t)})
	runRelay(t, relay)
	outbox.commitChange("cz-x")
	within(t, 5*time.Second, "published", func() bool { return outbox.waiting() == 0 })
	url := b.URL()

	if err := b.server.running.ShutdownJetStream(); err != nil {
		t.Fatal(err)
	}
	outbox.commitChange("cz-x")
	for n := range healAfter {
		if err := b.Health(t.Context()); err == nil || !strings.Contains(err.Error(), "does not store messages") {
			t.Fatalf("check %d: error %v, want that it stores nothing", n, err)
		}
	}
	within(t, 10*time.Second, "healthy again", func() bool { return b.Health(t.Context()) == nil })
	within(t, 20*time.Second, "the outbox is empty", func() bool { return outbox.waiting() == 0 })
	checkStreams(t, b, outbox, "cz-x")
	if b.URL() != url {
		t.Errorf("URL is now %s, was %s", b.URL(), url)
	}
}

func TestServerIsBlamedForWhatItSaid(t *testing.T) {
	log := &serverLog{to: testLog(t)}
	broken := errors.New("no answer")
	if err := log.blame(broken); err == nil || err.Error() != broken.Error() {
		t.Errorf("error %v, want it as it is", err)
	}
	log.to = testLogTo(io.Discard)
	log.Errorf("no space left on %s", "device")
	if err := log.blame(broken); !errors.Is(err, broken) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v, want the server's reason in it", err)
	}
	if err := errors.Join(log.blame(nil), log.blame(nil)); err != nil || log.last != "" {
		t.Errorf("error %v after all went well, the server still says %q", err, log.last)
	}
}

func TestServerIsNotStartedAnewTooOften(t *testing.T) {
	var i illness
	now, broken := someTick, errors.New("broken")
	note := func(err error, after time.Duration) bool { now = now.Add(after); return i.note(err, now) }
	for n, step := range []struct {
		err   error
		after time.Duration
		want  bool
	}{
		{broken, 0, false},
		{nil, time.Second, false}, // it was slow
		{broken, time.Second, false},
		{broken, time.Second, true},
		{broken, time.Second, false},
		{broken, time.Second, false},
		{broken, healEvery, true},
	} {
		if got := note(step.err, step.after); got != step.want {
			t.Errorf("step %d: %v, want %v", n, got, step.want)
		}
	}
}

func TestUsage(t *testing.T) {
	b, outbox := openBus(t, Options{Changes: Limits{MaxBytes: 4 << 20}}), newOutbox()
	for range 10 {
		outbox.commitChange("cz-x")
	}
	relay := b.NewRelay(outbox, RelayOptions{})
	if _, err := relay.pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	usage, err := b.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u := usage[1]
	if u.Stream != StreamChanges || u.Messages != 10 || u.MaxBytes != 4<<20 || u.Share() <= 0 || u.Share() >= AlarmShare {
		t.Errorf("usage %+v, share %f", u, u.Share())
	}
	if (Usage{Bytes: 1}).Share() != 0 {
		t.Error("a stream without limit is part full")
	}
}

func TestFullStreamDropsTheOldest(t *testing.T) {
	b, outbox := openBus(t, Options{Changes: Limits{MaxBytes: 1 << 20}}), newOutbox()
	for range 3000 {
		outbox.commitChange("cz-x")
	}
	relay := b.NewRelay(outbox, RelayOptions{})
	for outbox.waiting() > 0 {
		if _, err := relay.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got, want := streamedIDs(t, b, StreamChanges, "cz-x"), outbox.ids(StreamChanges, "cz-x")
	if len(got) == 0 || len(got) == len(want) || got[len(got)-1] != want[len(want)-1] {
		t.Errorf("stream holds %d of %d, the last is %v", len(got), len(want), got[len(got)-1:])
	}
}
