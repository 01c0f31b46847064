package app

import (
	"time"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// interval is the shorter of the distances between the register's ticks around
// an instant: fetches by hand that are closer than half of it are one sighting.
func interval(def register.Definition, at time.Time) time.Duration {
	spec, err := schedules.Parse(def.Schedule.Cron, def.Schedule.Timezone)
	if err != nil {
		return 0 // a loaded definition's schedule was parsed before
	}
	return spec.Interval(at)
}
