package notifier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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
			if place := slices.Index(desk.ids(), fmt.Sprintf("%04d", i)); !desk.at[place].Equal(at) {
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

// TestFailedReadAheadRests: a page that could not be read ahead is a ledger in
// trouble, which is given a rest.
func TestFailedReadAheadRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk, calls := newMemory(), &receiver{}, 0
		m.fail = func(method string) fault {
			if method == "DueDeliveries" {
				if calls++; calls == 2 {
					return failsNotApplied
				}
			}
			return works
		}
		route(m, 300)
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Minute)
		stop()
		if rest := desk.at[250].Sub(desk.at[249]); rest < 5*time.Second || len(desk.at) != 300 {
			t.Errorf("after %s the next of %d was sent", rest, len(desk.at))
		}
	})
}
