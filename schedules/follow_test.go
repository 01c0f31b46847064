package schedules

import (
	"testing"
	"testing/synctest"
	"time"
)

// A wait for a tick of the far future ends soon after the clock was set back.
func TestWaitEndsWhenTheClockIsSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		setBack := func() bool { return time.Since(began) >= 90*time.Second }
		if sleepUntil(t.Context(), began.AddDate(10, 0, 0), setBack) {
			t.Error("the instant was waited for")
		}
		if waited := time.Since(began); waited > 2*longestSleep {
			t.Errorf("noticed after %s", waited)
		}
		if !sleepUntil(t.Context(), time.Now().Add(time.Hour), func() bool { return false }) {
			t.Error("an hour was not waited for")
		}
	})
}
