package notifier_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// TestGoneSendsNothingTwice: what was accepted before the receiver wanted no more
// is delivered, and not given up with the rest.
func TestGoneSendsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(_ notifier.Message, n int) error {
			if n == 4 {
				return &notifier.SendError{Status: 410, Disable: true, Err: fmt.Errorf("gone")}
			}
			return nil
		}}
		for i := range 6 {
			m.commit(change(fmt.Sprint(i)), true)
		}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		stop()
		want := []register.DeliveryState{
			register.DeliveryDelivered, register.DeliveryDelivered, register.DeliveryDelivered,
			register.DeliveryDead, register.DeliveryDead, register.DeliveryDead,
		}
		if got := m.states(); !slices.Equal(got, want) || len(m.attempts) != 6 || len(desk.ids()) != 4 {
			t.Errorf("states %v after %d attempts, sent %v", got, len(m.attempts), desk.ids())
		}
	})
}

// TestGoneWhileOthersAreUnderWay: what the receiver accepts although it wants no
// more is delivered, the rest is given up, and nothing is sent twice.
func TestGoneWhileOthersAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), takes(4, func(id string) error {
			switch {
			case id == "0006":
				return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
			case id > "0006":
				time.Sleep(time.Second)
			}
			return nil
		})
		commitNumbered(m, 300)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		stop()
		sent := desk.ids()
		if len(sent) < 7 || len(sent) > 11 || len(slices.Compact(slices.Sorted(slices.Values(sent)))) != len(sent) {
			t.Fatalf("sent %v", sent)
		}
		for _, d := range m.all() {
			want := register.DeliveryDead
			if d.Event != "0006" && slices.Contains(sent, d.Event) {
				want = register.DeliveryDelivered
			}
			if d.State != want {
				t.Errorf("event %s is %s, want %s", d.Event, d.State, want)
			}
		}
		if len(m.attempts) != 300 {
			t.Errorf("%d attempts are recorded", len(m.attempts))
		}
	})
}

// TestGoneGivesUpWhatWaits: also what waits for its next attempt is given up.
func TestGoneGivesUpWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(_ notifier.Message, n int) error {
			if n == 1 {
				return errors.New("busy")
			}
			return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
		}}
		commitNumbered(m, 3)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Second)
		stop()
		if slices.ContainsFunc(m.states(), func(s register.DeliveryState) bool { return s != register.DeliveryDead }) {
			t.Errorf("states %v", m.states())
		}
	})
}

// TestGoneAtTheEndOfAPage: the page that was read ahead is given up with the rest,
// and not sent.
func TestGoneAtTheEndOfAPage(t *testing.T) {
	for _, most := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			m, desk := newMemory(), &wide{most: most, receiver: receiver{answer: func(message notifier.Message, _ int) error {
				if message.Event.ID == "0249" {
					return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
				}
				return nil // at once, or the next page is read anew
			}}}
			route(m, 600)
			_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
			time.Sleep(time.Hour)
			stop()
			if sent := desk.ids(); len(sent) != 250 {
				t.Errorf("%d at a time: %d messages were sent, the 250th to a receiver that is gone", most, len(sent))
			}
			for _, d := range m.all() {
				if want := d.Event < "0249"; (d.State == register.DeliveryDelivered) != want {
					t.Fatalf("%d at a time: event %s is %s", most, d.Event, d.State)
				}
			}
		})
	}
}

// TestNewOneWaitsForTheOneThatEnables: while a redelivered message to a receiver that
// wanted no more is under way, nothing behind it is given up.
func TestNewOneWaitsForTheOneThatEnables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := true
		m, desk := newMemory(), takes(4, func(id string) error {
			if id == "0006" && gone {
				gone = false
				return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
			}
			return nil
		})
		route(m, 20)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		m.redeliver(7)
		queue(m, "new")
		time.Sleep(time.Minute)
		stop()
		if states := m.states(); states[6] != register.DeliveryDelivered || states[20] != register.DeliveryDelivered {
			t.Errorf("the redelivered one is %s, the new one %s", states[6], states[20])
		}
	})
}

// TestRedeliveredAtOnce: who sends a message again as soon as it is given up is not
// told once more that the receiver wants none.
func TestRedeliveredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(_ notifier.Message, n int) error {
			if n == 1 {
				return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
			}
			return nil
		}}
		queue(m, "0000")
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		for m.states()[0] != register.DeliveryDead {
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		m.redeliver(1)
		time.Sleep(time.Minute)
		stop()
		if states := m.states(); states[0] != register.DeliveryDelivered || len(desk.ids()) != 2 {
			t.Errorf("the redelivered one is %s, sent %d times", states[0], len(desk.ids()))
		}
	})
}

// TestRedeliveredWhileOthersAreUnderWay: the same while another message is still under
// way, and the receiver asks for a pause there.
func TestRedeliveredWhileOthersAreUnderWay(t *testing.T) {
	for _, last := range []error{nil, &notifier.SendError{Status: 503, RetryAfter: time.Hour, Err: errors.New("busy")}} {
		synctest.Test(t, func(t *testing.T) {
			var refused atomic.Bool
			m, desk := newMemory(), takes(4, func(id string) error {
				switch {
				case id == "0001" && refused.CompareAndSwap(false, true):
					return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
				case id == "0002":
					time.Sleep(10 * time.Second)
					return last
				}
				return nil
			})
			route(m, 3)
			_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
			for m.states()[1] != register.DeliveryDead {
				time.Sleep(time.Millisecond)
			}
			m.redeliver(2)
			time.Sleep(time.Minute)
			if last != nil {
				if got := m.states()[2]; got != register.DeliveryDead {
					t.Errorf("what waits is %s in the pause", got)
				}
				time.Sleep(time.Hour)
			}
			stop()
			if states := m.states(); states[1] != register.DeliveryDelivered {
				t.Errorf("the redelivered one is %s: %s", states[1], m.all()[1].LastError)
			}
		})
	}
}

// TestGoneWhileTheLedgerFails: what waits is given up when the ledger is back, but not
// what the receiver has accepted without the ledger knowing.
func TestGoneWhileTheLedgerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, full := newMemory(), atomic.Bool{}
		m.fail = func(method string) fault {
			if method == "Record" && full.Load() {
				return failsNotApplied
			}
			return works
		}
		desk := &receiver{answer: func(message notifier.Message, n int) error {
			switch {
			case message.Event.ID == "0001":
				time.Sleep(time.Second)
				full.Store(true)
				return nil
			case n == 1 || message.Event.ID == "0002":
				return errors.New("busy")
			}
			return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
		}}
		route(m, 4)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(20 * time.Second)
		full.Store(false)
		time.Sleep(8 * time.Second) // before another attempt is due
		stop()
		if got := m.states(); got[1] != register.DeliveryDelivered || got[0] != register.DeliveryDead || got[2] != register.DeliveryDead || got[3] != register.DeliveryDead {
			t.Errorf("states %v, sent %v", got, desk.ids())
		}
	})
}

// TestRedeliveredAfterGone: the very message that the receiver refused can be sent
// again, and enables the channel.
func TestRedeliveredAfterGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(_ notifier.Message, n int) error {
			if n == 1 {
				return &notifier.SendError{Status: 410, Disable: true, Err: errors.New("gone")}
			}
			return nil
		}}
		route(m, 1)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		m.redeliver(1)
		time.Sleep(time.Minute)
		queue(m, "new")
		time.Sleep(time.Minute)
		stop()
		if states := m.states(); states[0] != register.DeliveryDelivered || states[1] != register.DeliveryDelivered {
			t.Errorf("states %v", states)
		}
	})
}

// TestRedeliveredBeforeItIsRecorded: what a person sends again is sent, also if the
// ledger did not take what came of the attempt before.
func TestRedeliveredBeforeItIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk, full := newMemory(), &receiver{}, true
		m.fail = func(method string) fault {
			if method == "Record" && full {
				return failsNotApplied
			}
			return works
		}
		route(m, 1)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(62 * time.Second) // not at the instant of another try
		m.redeliver(1)
		m.mu.Lock()
		full = false
		m.mu.Unlock()
		time.Sleep(time.Minute)
		stop()
		if got := desk.ids(); len(got) != 2 || m.states()[0] != register.DeliveryDelivered {
			t.Errorf("sent %v, states %v", got, m.states())
		}
	})
}
