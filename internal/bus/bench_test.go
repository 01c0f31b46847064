package bus

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/regwatch/regwatch/register"
)

// BenchmarkPublish puts 2,000 events on the stream of the embedded server, which
// syncs before it acknowledges: each awaited before the next is sent, and as the
// relay sends them. It reports the rates and how many times faster the relay is.
func BenchmarkPublish(b *testing.B) {
	const events = 2000
	bus := openBench(b)
	var each, relay time.Duration
	for round := 0; b.Loop(); round++ {
		each += publishAwaited(b, bus, committed(fmt.Sprintf("a-%d", round), events))
		relay += publishRelayed(b, bus, committed(fmt.Sprintf("b-%d", round), events))
	}
	perSecond := func(d time.Duration) float64 { return float64(events*b.N) / d.Seconds() }
	b.ReportMetric(perSecond(each), "each-events/s")
	b.ReportMetric(perSecond(relay), "relay-events/s")
	b.ReportMetric(perSecond(relay)/perSecond(each), "times-faster")
}

func openBench(b *testing.B) *Bus {
	b.Helper()
	bus, err := Open(b.Context(), Options{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := bus.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	return bus
}

// committed gives an outbox of so many changes of a register, of an usual size.
func committed(registerID string, n int) *memoryOutbox {
	outbox := newOutbox()
	for range n {
		outbox.commitChange(registerID).Change.After = register.Values{{Name: "reason", Text: strings.Repeat("x", 800)}}
	}
	return outbox
}

func publishAwaited(b *testing.B, bus *Bus, outbox *memoryOutbox) time.Duration {
	b.Helper()
	relay := bus.NewRelay(outbox, RelayOptions{})
	start := time.Now()
	for _, row := range outbox.rows {
		message, err := relay.message(row)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bus.js.PublishMsg(b.Context(), message, jetstream.WithExpectStream(StreamChanges)); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

func publishRelayed(b *testing.B, bus *Bus, outbox *memoryOutbox) time.Duration {
	b.Helper()
	relay := bus.NewRelay(outbox, RelayOptions{})
	if leader, err := relay.lead(b.Context()); !leader || err != nil {
		b.Fatal(leader, err)
	}
	if err := relay.findPositions(b.Context()); err != nil { // which a relay knows that works
		b.Fatal(err)
	}
	start := time.Now()
	for outbox.waiting() > 0 {
		if _, err := relay.pass(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(start)
	registerID := outbox.rows[0].Register
	if got, want := streamedIDs(b, bus, StreamChanges, registerID), outbox.ids(StreamChanges, registerID); !slices.Equal(got, want) {
		b.Fatalf("%d messages on the stream, want %d in order", len(got), len(want))
	}
	return took
}
