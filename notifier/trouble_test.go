package notifier_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// TestReplaceKeepsWhatIsNotRecorded reads the configuration again while the
// ledger takes nothing: what was sent by then is recorded by the new sender, and
// not sent again.
func TestReplaceKeepsWhatIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{}
		full := true
		m.fail = func(method string) fault {
			if method == "Record" && full {
				return failsNotApplied
			}
			return works
		}
		router, channels := mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk}
		n, stop := start(t, m, router, channels)
		defer stop()
		m.commit(change("a"), true)
		time.Sleep(time.Second)
		n.Replace(router, channels)
		time.Sleep(time.Second)
		n.Replace(router, nil) // the channel is gone for a while
		time.Sleep(time.Second)
		n.Replace(router, channels)
		m.mu.Lock()
		full = false
		m.mu.Unlock()
		time.Sleep(time.Minute)
		if got := desk.ids(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("sent %v", got)
		}
		if got := m.states(); !slices.Equal(got, []register.DeliveryState{register.DeliveryDelivered}) {
			t.Errorf("states %v", got)
		}
	})
}

// TestFullLedgerEndsThePass: what the ledger does not take would be sent again after a
// kill, so that little is sent while it takes nothing: what the recorder takes at once,
// as much that waits for it, and the one that finds no room.
func TestFullLedgerEndsThePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{}
		route(m, 2000)
		m.fail = func(method string) fault {
			if method == "Record" {
				return failsNotApplied
			}
			return works
		}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		time.Sleep(time.Second)
		stop()
		if sent := len(desk.ids()); sent == 0 || sent > 502 {
			t.Errorf("%d messages were sent", sent)
		}
	})
}

// TestFullLedgerIsToldOnceAPass: a disk that is full must not fill the log.
func TestFullLedgerIsToldOnceAPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		full := true
		m.fail = func(method string) fault {
			if method == "Route" && full {
				return failsNotApplied
			}
			return works
		}
		var log strings.Builder
		n := notifier.New(notifier.Options{
			Source: m, Ledger: m, Router: mustRoute(t, nil, all("desk")), Facts: noFacts,
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		for i := range 50 {
			m.commit(change(fmt.Sprint(i)), false)
		}
		time.Sleep(time.Minute)
		m.mu.Lock()
		full = false
		m.mu.Unlock()
		time.Sleep(time.Minute)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if told := strings.Count(log.String(), "not be routed"); told < 2 || told > 12 {
			t.Errorf("told %d times in a minute", told)
		}
		if routed := len(m.routed); routed != 50 {
			t.Errorf("%d of 50 are routed in the end", routed)
		}
	})
}

// TestAttemptsAreRecordedWhileTheNextIsSent: a receiver that takes its time must
// not keep what it has accepted from being recorded, or a kill would send it again.
func TestAttemptsAreRecordedWhileTheNextIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, desk := newMemory(), &receiver{answer: func(_ notifier.Message, n int) error {
			if n == 4 {
				time.Sleep(9 * time.Second)
			}
			return nil
		}}
		_, stop := start(t, m, mustRoute(t, nil, all("desk")), map[string]notifier.Channel{"desk": desk})
		defer stop()
		for i := range 6 {
			m.commit(change(fmt.Sprint(i)), true)
		}
		time.Sleep(time.Second)
		delivered := slices.DeleteFunc(m.states(), func(s register.DeliveryState) bool { return s != register.DeliveryDelivered })
		if len(delivered) != 3 {
			t.Errorf("%d deliveries are recorded while the fourth is under way, want 3", len(delivered))
		}
	})
}
