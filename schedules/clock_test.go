package schedules_test

import (
	"testing"
	"testing/synctest"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// A clock that was years ahead when the last tick was saved does not keep the
// register from being due for years.
func TestSchedulerIgnoresTicksOfTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		until(t, "2000-01-05T12:30:00Z")
		d := newDesk()
		d.last["cz-a"] = at(t, "2036-01-01T06:00:00Z")
		start(t, schedules.Options{Publisher: d, Ledger: d, Definitions: []register.Definition{definition("cz-a", "0 6 * * *", "", 0)}})
		until(t, "2000-01-06T08:00:00Z")
		if got := d.take(); len(got) != 1 || !d.told("cz-a@2000-01-06T06:00:00Z") {
			t.Errorf("got %v", got)
		}
		if last, _ := d.ticks("cz-a"); !last.Equal(at(t, "2000-01-06T06:00:00Z")) {
			t.Errorf("last is %s", last)
		}
	})
}
