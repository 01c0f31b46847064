package schedules_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// What outside failures taught of time. What they taught of pages and of
// differences is in internal/pipeline/taught_test.go and differ/taught_test.go.

// A tick at half past two in the morning does not exist on the day on which the
// clocks go from two to three. It is due when they have, once: neither left out
// nor made up for later, and that the daylight saving time ends is no gap.
func TestTaughtScheduleInADSTGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until(t, "2026-03-28T12:00:00Z")
		d := newDesk()
		d.last["cz-night"] = time.Now()
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-night", "30 2 * * *", "Europe/Prague", 0)}})
		until(t, "2026-03-29T00:59:59Z")
		expect(t, d)
		until(t, "2026-03-29T23:00:00Z")
		expect(t, d, "29T01:00:00 cz-night 29T01:00:00")
		until(t, "2026-03-30T23:00:00Z")
		expect(t, d, "30T00:30:00 cz-night 30T00:30:00")
		until(t, "2026-10-25T00:00:00Z")
		d.take()
		until(t, "2026-10-25T23:00:00Z") // half past two comes twice
		expect(t, d, "25T00:30:00 cz-night 25T00:30:00")
	})
}
