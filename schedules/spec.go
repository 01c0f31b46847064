package schedules

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones, also where the system has none

	"github.com/robfig/cron/v3"
)

// Bounds of a schedule.
const (
	maxSpecBytes = 200
	minEvery     = time.Minute
	maxEvery     = 366 * 24 * time.Hour
)

// Spec says at which instants a register is due. Its ticks follow from the spec
// alone, so that all schedulers agree on them.
//
// A spec that names hours is meant in local time: an hour that occurs twice in
// autumn is due once, the first time, and one that does not exist in spring is
// due at the instant at which the gap ends. A spec whose hours are `*` is due in
// each hour that really passes. `@every` counts from the Unix epoch.
//
// The zero Spec is never due.
type Spec struct {
	every    time.Duration // @every; 0: wall
	wall     cron.Schedule // asked about wall clocks, which it takes for UTC
	location *time.Location
	eachHour bool // every hour that passes, also one that a clock shows twice
}

// Parse reads robfig/cron's five fields or descriptors (@daily, @every 6h). The
// timezone is an IANA name; empty means UTC.
func Parse(spec, timezone string) (Spec, error) {
	location, err := parseZone(timezone)
	if err != nil {
		return Spec{}, err
	}
	s := Spec{location: location}
	spec = strings.TrimSpace(spec)
	switch {
	case spec == "":
		return Spec{}, fmt.Errorf("the schedule is empty")
	case len(spec) > maxSpecBytes:
		return Spec{}, fmt.Errorf("the schedule is longer than %d characters", maxSpecBytes)
	case strings.Contains(spec, "TZ="):
		return Spec{}, fmt.Errorf("%q names a time zone: that is what timezone is for", spec)
	case strings.HasPrefix(spec, "@every"):
		s.every, err = parseEvery(spec)
		if err != nil {
			return Spec{}, err
		}
		return s, nil
	}
	if s.wall, s.eachHour, err = parseWall(spec); err != nil {
		return Spec{}, err
	}
	if s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Spec{}, fmt.Errorf("%q never comes: there is no such date", spec)
	}
	return s, nil
}

func parseZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone: name it, as Europe/Prague", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not a time zone: want an IANA name, as Europe/Prague", name)
	}
	return location, nil
}

func parseEvery(spec string) (time.Duration, error) {
	every, err := time.ParseDuration(strings.TrimSpace(strings.TrimPrefix(spec, "@every")))
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a schedule: want @every and a duration, as @every 6h", spec)
	case every < minEvery:
		return 0, fmt.Errorf("%q is too often: the least is @every 1m", spec)
	case every > maxEvery:
		return 0, fmt.Errorf("%q is too seldom: the most is a year", spec)
	case every%time.Second != 0:
		return 0, fmt.Errorf("%q is not a whole number of seconds", spec)
	}
	return every, nil
}

// parseWall gives robfig/cron's schedule, to be asked about wall clocks. Its
// parser panics on some input.
func parseWall(spec string) (schedule cron.Schedule, eachHour bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			schedule, err = nil, fmt.Errorf("%q is not a schedule: %v", spec, p)
		}
	}()
	parser := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	parsed, err := parser.Parse(spec)
	if err != nil {
		return nil, false, fmt.Errorf("%q is not a schedule: %w; want minute, hour, day of month, month and day of week, or @daily, @every 6h", spec, err)
	}
	fields, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, false, fmt.Errorf("%q is not a schedule", spec)
	}
	fields.Location = time.UTC
	const allHours = 1<<24 - 1
	return fields, fields.Hour&allHours == allHours, nil
}

// Next gives the first tick after an instant, in UTC; the zero time if the spec
// has none.
func (s Spec) Next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return s.lastEvery(after).Add(s.every)
	case s.wall == nil:
		return time.Time{}
	case s.eachHour:
		return s.nextPassing(after)
	}
	return s.nextNamed(after)
}

// lastEvery gives the last multiple of s.every since the epoch, at or before.
func (s Spec) lastEvery(at time.Time) time.Time {
	step := int64(s.every / time.Second)
	seconds := at.Unix()
	steps := seconds / step
	if seconds%step < 0 {
		steps--
	}
	return time.Unix(steps*step, 0).UTC()
}

// nextNamed asks for the next time on the wall clock, and when that is.
func (s Spec) nextNamed(after time.Time) time.Time {
	wall := wallClock(after, s.location)
	for {
		wall = s.wall.Next(wall)
		if wall.IsZero() {
			return time.Time{}
		}
		// In the second pass of an autumn hour, its times were due in the first.
		if tick := instantOf(wall, s.location); tick.After(after) {
			return tick
		}
	}
}

// nextPassing looks through the stretches between two changes of the clock:
// within one, wall clock and time run alike.
func (s Spec) nextPassing(after time.Time) time.Time {
	for {
		local := after.In(s.location)
		_, offset := local.Zone()
		wall := s.wall.Next(wallClock(after, s.location))
		if wall.IsZero() {
			return time.Time{}
		}
		tick := wall.Add(-time.Duration(offset) * time.Second)
		_, end := local.ZoneBounds()
		if end.IsZero() || tick.Before(end) {
			return tick
		}
		if first := wallClock(end, s.location); s.wall.Next(first.Add(-time.Second)).Equal(first) {
			return end.UTC()
		}
		after = end
	}
}

// wallClock gives what a clock at that place shows, as a time in UTC.
func wallClock(at time.Time, location *time.Location) time.Time {
	_, offset := at.In(location).Zone()
	return at.UTC().Add(time.Duration(offset) * time.Second)
}

// instantOf gives the first instant at which a clock at that place shows wall,
// or, if it never does, the instant at which it jumps over it.
func instantOf(wall time.Time, location *time.Location) time.Time {
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, location)
	start, end := at.ZoneBounds()
	shown := wallClock(at, location)
	switch {
	case shown.After(wall): // a gap, and at lies behind it
		return start.UTC()
	case shown.Before(wall): // a gap, and at lies before it
		return end.UTC()
	}
	if !start.IsZero() {
		_, before := start.Add(-time.Second).In(location).Zone()
		first := wall.Add(-time.Duration(before) * time.Second)
		if first.Before(start) {
			return first
		}
	}
	return at.UTC()
}

// longestLook is how far back Previous looks for a tick.
const longestLook = 2 * 366 * 24 * time.Hour

// Previous gives the last tick at or before an instant, in UTC; the zero time
// if there is none in the two years before it.
func (s Spec) Previous(at time.Time) time.Time {
	if s.every > 0 {
		return s.lastEvery(at)
	}
	for look := time.Hour; ; look = min(2*look, longestLook) {
		tick := s.Next(at.Add(-look))
		if !tick.IsZero() && !tick.After(at) {
			return s.lastUntil(tick, at)
		}
		if look == longestLook {
			return time.Time{}
		}
	}
}

// lastUntil goes on from a tick to the last one at or before an instant.
func (s Spec) lastUntil(tick, at time.Time) time.Time {
	for {
		next := s.Next(tick)
		if next.IsZero() || next.After(at) {
			return tick
		}
		tick = next
	}
}

// Interval gives the shorter of the distances between the ticks around an
// instant: from the last tick to the next, and from the one before to the last.
// It is zero if the spec is never due.
func (s Spec) Interval(at time.Time) time.Duration {
	next, last := s.Next(at), s.Previous(at)
	switch {
	case next.IsZero():
		return 0
	case last.IsZero():
		return s.Next(next).Sub(next)
	}
	interval := next.Sub(last)
	if before := s.Previous(last.Add(-1)); !before.IsZero() {
		interval = min(interval, last.Sub(before))
	}
	return interval
}

// shortest gives the least time between two of the next ticks: enough of them
// to meet every pattern of a week.
func (s Spec) shortest(from time.Time) time.Duration {
	tick := s.Next(from)
	least := time.Duration(0)
	for range 200 {
		next := s.Next(tick)
		if next.IsZero() {
			break
		}
		if d := next.Sub(tick); least == 0 || d < least {
			least = d
		}
		tick = next
	}
	return least
}
