package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a notifier in the bubble; stop ends it and waits.
func start(t *testing.T, m *memory, router *notifier.Router, channels map[string]notifier.Channel) (n *notifier.Notifier, stop func()) {
	t.Helper()
	n = notifier.New(notifier.Options{
		Source: m, Ledger: m, Router: router, Channels: channels, Facts: noFacts, PublicURL: "https://r.example",
		Random: func() float64 { return 0 },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return n, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestDeliversAtOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk, phone := newMemory(), &receiver{}, &receiver{}
		_, stop := start(t, m, mustRoute(t, []string{"phone"}, all("desk")), map[string]notifier.Channel{"desk": desk, "phone": phone})
		defer stop()
		began := time.Now()
		for _, id := range []string{"c", "a", "b"} {
			m.commit(change(id), true)
		}
		m.commit(signal("s"), true)
		synctest.Wait()
		if got := desk.ids(); !slices.Equal(got, []string{"c", "a", "b"}) {
			t.Errorf("desk got %v", got)
		}
		if got := phone.ids(); !slices.Equal(got, []string{"s"}) {
			t.Errorf("phone got %v", got)
		}
		if !time.Now().Equal(began) {
			t.Errorf("took %s", time.Since(began))
		}
		if !strings.Contains(desk.bodies[0], `"source":"https://r.example/registers/cz-one"`) {
			t.Errorf("body %s", desk.bodies[0])
		}
	})
}

func TestEventsThatTheStreamLostAreTakenFromTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		defer stop()
		m.commit(change("lost"), false)
		time.Sleep(4 * time.Second)
		if got := desk.ids(); len(got) > 0 {
			t.Errorf("got %v before five seconds", got)
		}
		time.Sleep(3 * time.Second)
		if got := desk.ids(); !slices.Equal(got, []string{"lost"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestRetriesForThreeDaysThenDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(notifier.Message, int) error {
			return &notifier.SendError{Status: 500, Err: errors.New("no\x1b[2J")}
		}}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		m.commit(change("a"), true)
		time.Sleep(4 * 24 * time.Hour)
		stop()
		var waits []string
		for i := range desk.at[1:] {
			waits = append(waits, desk.at[i+1].Sub(desk.at[i]).Round(2*time.Second).String())
		}
		want := "6s 30s 2m0s 10m0s 30m0s 1h0m0s 2h0m0s 4h0m0s 8h0m0s 12h0m0s 12h0m0s 12h0m0s 12h0m0s 12h0m0s"
		if got := strings.Join(waits, " "); got != want {
			t.Errorf("waits\n%s, want\n%s", got, want)
		}
		d := m.deliveries[1]
		if d.State != register.DeliveryDead || d.Attempts != 15 || d.LastError != `no\x1b[2J` || d.DoneAt.IsZero() || len(m.attempts) != 15 {
			t.Errorf("%+v after %d attempts", d, len(m.attempts))
		}
		if len(slices.Compact(slices.Clone(desk.bodies))) != 1 {
			t.Error("the body differs between attempts")
		}
	})
}

func TestOneFailureHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		m, desk := newMemory(), &receiver{answer: func(m notifier.Message, _ int) error {
			if m.Event.ID == "bad" {
				return errors.New("refused")
			}
			return nil
		}}
		stuck := &receiver{answer: func(notifier.Message, int) error { <-hang; return nil }}
		mad := &receiver{answer: func(notifier.Message, int) error { panic("defect") }}
		_, stop := start(t, m, mustRoute(t, nil, all("stuck", "mad", "desk")), map[string]notifier.Channel{"desk": desk, "stuck": stuck, "mad": mad})
		for _, id := range []string{"bad", "good"} {
			m.commit(change(id), true)
		}
		synctest.Wait()
		if got := desk.ids(); !slices.Equal(got, []string{"bad", "good"}) {
			t.Errorf("desk got %v", got)
		}
		close(hang)
		stop()
	})
}

func TestRetryAfterPausesTheChannel(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, 48 * time.Hour: 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			m, desk := newMemory(), &receiver{answer: func(_ notifier.Message, n int) error {
				if n == 1 {
					return &notifier.SendError{Status: 429, RetryAfter: asked, Err: errors.New("slow down")}
				}
				return nil
			}}
			_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
			m.commit(change("a"), true)
			m.commit(change("b"), true)
			time.Sleep(25 * time.Hour)
			stop()
			if got := desk.ids(); !slices.Equal(got, []string{"a", "a", "b"}) {
				t.Fatalf("got %v", got)
			}
			if waited := desk.at[1].Sub(desk.at[0]); waited < want || waited > want+2*time.Second {
				t.Errorf("asked for %s, waited %s", asked, waited)
			}
		})
	}
}

func TestPermanentErrorIsDeadAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(notifier.Message, int) error {
			return &notifier.SendError{Status: 550, Permanent: true, Err: errors.New("no such user")}
		}}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		m.commit(change("a"), true)
		time.Sleep(time.Hour)
		stop()
		if got := desk.ids(); len(got) != 1 || m.deliveries[1].State != register.DeliveryDead {
			t.Errorf("sent %v, %+v", got, m.deliveries[1])
		}
	})
}

func TestGoneDisablesUntilRedeliveredOrReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Bool
		gone.Store(true)
		m := newMemory()
		desk := &receiver{answer: func(notifier.Message, int) error {
			if gone.Load() {
				return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
			}
			return nil
		}}
		channels := map[string]notifier.Channel{"desk": desk}
		router := mustRoute(t, nil, all("desk"))
		for i := range 600 { // more than are taken at once
			m.commit(change(fmt.Sprint("old", i)), true)
		}
		n, stop := start(t, m, router, channels)
		time.Sleep(time.Minute)
		m.commit(change("later"), true)
		time.Sleep(time.Minute)
		if got := desk.ids(); len(got) != 1 {
			t.Errorf("sent %d messages to a receiver that is gone", len(got))
		}
		for _, d := range m.all() {
			if d.State != register.DeliveryDead || !strings.Contains(d.LastError, "gone") {
				t.Fatalf("%+v", d)
			}
		}
		gone.Store(false)
		m.redeliver(3)
		time.Sleep(time.Minute)
		m.commit(change("after"), true)
		synctest.Wait()
		if got := desk.ids(); !slices.Equal(got[1:], []string{"old2", "after"}) {
			t.Errorf("after redelivery sent %v", got[1:])
		}
		gone.Store(true)
		m.commit(change("again"), true)
		synctest.Wait()
		gone.Store(false)
		n.Replace(router, channels)
		synctest.Wait()
		m.commit(change("fresh"), true)
		synctest.Wait()
		stop()
		if got := desk.ids(); !slices.Equal(got[3:], []string{"again", "fresh"}) {
			t.Errorf("after replacement sent %v", got[3:])
		}
	})
}

func TestReplaceAndUnknownChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk, phone := newMemory(), &receiver{answer: func(notifier.Message, int) error { return errors.New("down") }}, &receiver{}
		n, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		m.commit(change("a"), true)
		synctest.Wait()
		n.Replace(mustRoute(t, nil, all("phone")), map[string]notifier.Channel{"phone": phone})
		time.Sleep(2 * time.Hour)
		m.commit(change("b"), true)
		synctest.Wait()
		if got := phone.ids(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("phone got %v", got)
		}
		if m.states()[0] != register.DeliveryPending {
			t.Errorf("the delivery of a channel that is gone is %s", m.states()[0])
		}
		desk.accept()
		n.Replace(mustRoute(t, nil, all("phone")), map[string]notifier.Channel{"desk": desk, "phone": phone})
		time.Sleep(2 * time.Second)
		stop()
		if got := desk.ids(); got[0] != "a" || len(slices.Compact(got)) != 1 || m.states()[0] != register.DeliveryDelivered {
			t.Errorf("desk got %v", got)
		}
	})
}

func TestMessageUnderWayIsFinishedWhenStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(notifier.Message, int) error { time.Sleep(3 * time.Second); return nil }}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		m.commit(change("a"), true)
		time.Sleep(time.Second)
		stop()
		if m.states()[0] != register.DeliveryDelivered {
			t.Errorf("the delivery is %s", m.states()[0])
		}
	})
}

// hanging waits for its context, as a channel whose receiver does not answer.
type hanging struct{}

func (hanging) Send(ctx context.Context, _ notifier.Message) error { <-ctx.Done(); return ctx.Err() }

func TestStopDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": hanging{}})
		m.commit(change("a"), true)
		synctest.Wait()
		began := time.Now()
		stop()
		if took := time.Since(began); took > 15*time.Second || m.states()[0] != register.DeliveryPending {
			t.Errorf("stopped after %s, the delivery is %s", took, m.states()[0])
		}
	})
}

// TestLedgerFaults lets every method of the ledger fail a few times in both
// ways. Nothing may be lost, and nothing sent twice: the process lives on, so it
// knows what it sent.
func TestLedgerFaults(t *testing.T) {
	for _, method := range []string{"Events", "Unrouted", "Route", "DueDeliveries", "Record"} {
		for _, how := range []fault{failsNotApplied, failsButApplied} {
			synctest.Test(t, func(t *testing.T) {
				m, desk := newMemory(), &receiver{}
				calls := 0
				m.fail = func(called string) fault {
					if called != method {
						return works
					}
					if calls++; calls%3 != 0 && calls < 20 {
						return how
					}
					return works
				}
				_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
				for i := range 10 {
					m.commit(change(fmt.Sprint("e", i)), i%2 == 0)
				}
				time.Sleep(10 * time.Minute)
				stop()
				got := desk.ids()
				slices.Sort(got)
				if len(got) != 10 || len(slices.Compact(got)) != 10 {
					t.Errorf("%s, fault %d: sent %v", method, how, got)
				}
				if slices.ContainsFunc(m.states(), func(s register.DeliveryState) bool { return s != register.DeliveryDelivered }) {
					t.Errorf("%s, fault %d: %v", method, how, m.states())
				}
			})
		}
	}
}

// TestCrashBetweenSendAndRecord kills the notifier while the ledger fails: the
// message comes again, with the same id and the same body.
func TestCrashBetweenSendAndRecord(t *testing.T) {
	for how, want := range map[fault]int{failsNotApplied: 2, failsButApplied: 1} {
		synctest.Test(t, func(t *testing.T) {
			m, desk := newMemory(), &receiver{}
			m.fail = func(method string) fault {
				if method == "Record" {
					return how
				}
				return works
			}
			router, channels := mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk}
			_, stop := start(t, m, router, channels)
			m.commit(change("a"), true)
			synctest.Wait()
			stop()
			m.fail = nil
			_, stop = start(t, m, router, channels)
			time.Sleep(time.Minute)
			stop()
			if got := desk.ids(); len(got) != want || got[0] != "a" || got[len(got)-1] != "a" || desk.bodies[0] != desk.bodies[len(got)-1] {
				t.Errorf("fault %d: sent %v", how, got)
			}
			if m.states()[0] != register.DeliveryDelivered {
				t.Errorf("fault %d: the delivery is %s", how, m.states()[0])
			}
		})
	}
}
