package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// wide is a receiver that takes several messages at a time.
type wide struct {
	receiver
	most int

	lock     sync.Mutex
	underWay int
	peaks    []int // how many were under way when each one was begun, itself too
}

func (w *wide) Parallel() int { return w.most }

func (w *wide) Send(ctx context.Context, m notifier.Message) error {
	w.lock.Lock()
	w.underWay++
	w.peaks = append(w.peaks, w.underWay)
	w.lock.Unlock()
	defer func() {
		w.lock.Lock()
		w.underWay--
		w.lock.Unlock()
	}()
	return w.receiver.Send(ctx, m)
}

// takes is a receiver that needs a second for each message, and a little more for
// each later one so that no two end at the same instant. It answers as said.
func takes(most int, answer func(id string) error) *wide {
	return &wide{most: most, receiver: receiver{answer: func(m notifier.Message, n int) error {
		time.Sleep(time.Second + time.Duration(n)*time.Millisecond)
		return answer(m.Event.ID)
	}}}
}

// numbered are the ids of n events, in order.
func numbered(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("%04d", i))
	}
	return ids
}

func commitNumbered(m *memory, n int) {
	for _, id := range numbered(n) {
		m.commit(change(id), true)
	}
}

// route gives the ledger n events whose deliveries to the desk wait from the first
// instant on.
func route(m *memory, n int) {
	for _, id := range numbered(n) {
		queue(m, id)
	}
}

func queue(m *memory, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events[id], m.routed[id] = change(id), true
	m.order = append(m.order, id)
	d := register.Delivery{ID: int64(len(m.deliveries) + 1), Event: id, Register: "cz-one", Subscription: "all", Channel: "desk", State: register.DeliveryPending, NextAttempt: time.Now()}
	m.deliveries[d.ID] = d
}

// TestSeveralAtATime: one message, and with each that is accepted one more at a
// time, as many as the channel takes; begun in order.
func TestSeveralAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), takes(4, func(string) error { return nil })
		commitNumbered(m, 40)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		began := time.Now()
		time.Sleep(time.Minute)
		stop()
		if want := numbered(40); !slices.Equal(slices.Sorted(slices.Values(desk.ids())), want) {
			t.Errorf("sent %v", desk.ids())
		}
		if desk.peaks[0] != 1 || slices.Max(desk.peaks) != 4 {
			t.Errorf("so many were under way: %v", desk.peaks)
		}
		if took := desk.at[39].Sub(began); took > 13*time.Second {
			t.Errorf("the last one was begun after %s", took)
		}
		for i, at := range desk.at {
			if second := slices.Index(desk.ids(), fmt.Sprintf("%04d", i)); !desk.at[second].Equal(at) {
				t.Errorf("message %d was not begun in its turn", i)
			}
		}
		if slices.ContainsFunc(m.states(), func(s register.DeliveryState) bool { return s != register.DeliveryDelivered }) {
			t.Errorf("states %v", m.states())
		}
	})
}

// TestAfterAFailureOneAtATime: a receiver in trouble is not asked for more than
// one message at a time until it accepts again.
func TestAfterAFailureOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), takes(4, func(id string) error {
			if id >= "0010" && id < "0025" {
				return &notifier.SendError{Permanent: true, Err: errors.New("no")}
			}
			return nil
		})
		commitNumbered(m, 40)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		stop()
		if got := desk.peaks[18:25]; slices.Max(got) > 1 { // some were begun before one had failed
			t.Errorf("among the failures so many were under way: %v", desk.peaks)
		}
		if slices.Max(desk.peaks[:10]) != 4 || slices.Max(desk.peaks[26:]) != 4 {
			t.Errorf("before and after the failures so many were under way: %v", desk.peaks)
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

// TestOneFailureAmongMany: acceptances of what was begun before a failure do not
// make up for it.
func TestOneFailureAmongMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), takes(4, func(id string) error {
			if id == "0010" {
				return &notifier.SendError{Permanent: true, Err: errors.New("no")}
			}
			return nil
		})
		commitNumbered(m, 30)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		stop()
		if slices.Min(desk.peaks[10:18]) != 1 || slices.Max(desk.peaks[18:]) != 4 {
			t.Errorf("so many were under way: %v", desk.peaks)
		}
	})
}

// TestRetryAfterStopsWhatIsNotBegun: those under way end, whatever shorter pause they
// ask for, no other is begun, and after the pause it is one at first.
func TestRetryAfterStopsWhatIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pauses := sync.Map{}
		pauses.Store("0006", time.Hour)
		pauses.Store("0007", time.Second)
		m, desk := newMemory(), takes(4, func(id string) error {
			if pause, asked := pauses.LoadAndDelete(id); asked {
				return &notifier.SendError{Status: 429, RetryAfter: pause.(time.Duration), Err: errors.New("slow down")}
			}
			return nil
		})
		commitNumbered(m, 30)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(59 * time.Minute)
		before := len(desk.ids())
		time.Sleep(2 * time.Minute)
		stop()
		if before < 7 || before > 11 || len(desk.ids()) != 32 {
			t.Errorf("sent %d before the pause and %d in all", before, len(desk.ids()))
		}
		if !desk.at[before+1].After(desk.at[before]) {
			t.Errorf("after the pause so many were under way: %v", desk.peaks[before:])
		}
	})
}

// TestPages sends more than is read at once, with a ledger that fails now and
// then in both ways, to channels that take one message and several: nothing is
// lost, nothing sent twice, and what failed is tried again although there are
// always new ones.
func TestPages(t *testing.T) {
	for _, method := range []string{"none", "Events", "DueDeliveries", "Record"} {
		for _, how := range []fault{failsNotApplied, failsButApplied} {
			for _, most := range []int{1, 4} {
				synctest.Test(t, func(t *testing.T) {
					const events = 1200
					m := newMemory()
					calls := 0
					m.fail = func(called string) fault {
						if called == method {
							if calls++; calls%5 == 4 && calls < 40 {
								return how
							}
						}
						return works
					}
					refused := false
					desk := &wide{most: most, receiver: receiver{answer: func(message notifier.Message, _ int) error {
						time.Sleep(10 * time.Millisecond)
						if message.Event.ID == "0003" && !refused {
							refused = true
							return errors.New("busy")
						}
						return nil
					}}}
					m.stream = make(chan string, events)
					commitNumbered(m, events)
					_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
					time.Sleep(10 * time.Minute)
					stop()
					got := desk.ids()
					again := slices.Index(got[4:], "0003") + 4
					if at := desk.at[again].Sub(desk.at[3]); again < 4 || method == "none" && at > 8*time.Second {
						t.Errorf("%s, fault %d, %d at a time: what failed was tried again as message %d, after %s", method, how, most, again, at)
					}
					got = slices.Delete(got, again, again+1)
					if slices.Sort(got); !slices.Equal(got, numbered(events)) {
						t.Errorf("%s, fault %d, %d at a time: sent %d messages", method, how, most, len(got))
					}
					if slices.ContainsFunc(m.states(), func(s register.DeliveryState) bool { return s != register.DeliveryDelivered }) {
						t.Errorf("%s, fault %d, %d at a time: not all are delivered", method, how, most)
					}
				})
			}
		}
	}
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

// TestParallelOfNone: a channel that says none takes one.
func TestParallelOfNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), takes(0, func(string) error { return nil })
		route(m, 5)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		stop()
		if got := desk.ids(); !slices.Equal(got, numbered(5)) {
			t.Errorf("sent %v", got)
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
