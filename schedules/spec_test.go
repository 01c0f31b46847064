package schedules_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/schedules"
)

func mustParse(t *testing.T, spec, zone string) schedules.Spec {
	t.Helper()
	s, err := schedules.Parse(spec, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func TestNextKeepsToTheClockOfThePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spec, zone, after, ticks string }{
		{"a working day", "15 6-20/2 * * 1-5", "Europe/Prague", "2025-12-19T17:00:00Z", "2025-12-19T17:15:00Z 2025-12-19T19:15:00Z 2025-12-22T05:15:00Z"},
		{"spring, in the gap", "30 2 * * *", "Europe/Prague", "2026-03-28T00:00:00Z", "2026-03-28T01:30:00Z 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"},
		{"spring, many in the gap", "*/20 2 * * *", "Europe/Prague", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T00:20:00Z"},
		{"spring, gap and its end", "0 2,3 * * *", "Europe/Prague", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T01:00:00Z"},
		{"spring, New York", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-08T07:00:00Z 2026-03-09T06:30:00Z"},
		{"autumn, once", "30 2 * * *", "Europe/Prague", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"},
		{"autumn, the first of two", "*/30 2 * * *", "Europe/Prague", "2026-10-24T12:00:00Z", "2026-10-25T00:00:00Z 2026-10-25T00:30:00Z 2026-10-26T01:00:00Z"},
		{"autumn, asked between", "30 2 * * *", "Europe/Prague", "2026-10-25T01:00:00Z", "2026-10-26T01:30:00Z"},
		{"autumn, New York", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z 2026-11-02T06:30:00Z"},
		{"autumn, steps of hours", "0 */2 * * *", "Europe/Prague", "2026-10-24T22:30:00Z", "2026-10-25T00:00:00Z 2026-10-25T03:00:00Z"},
		{"spring, every hour", "0 * * * *", "Europe/Prague", "2026-03-28T23:30:00Z", "2026-03-29T00:00:00Z 2026-03-29T01:00:00Z 2026-03-29T02:00:00Z"},
		{"autumn, every hour", "0 * * * *", "Europe/Prague", "2026-10-24T23:30:00Z", "2026-10-25T00:00:00Z 2026-10-25T01:00:00Z 2026-10-25T02:00:00Z"},
		{"autumn, every hour by another name", "30 0-23 * * *", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z 2026-11-01T06:30:00Z 2026-11-01T07:30:00Z"},
		{"half an hour of summer time", "15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z", "2026-04-04T14:15:00Z 2026-04-04T15:45:00Z 2026-04-04T16:45:00Z"},
		{"a day that begins at one", "0 0 * * 0", "America/Sao_Paulo", "2018-11-01T00:00:00Z", "2018-11-04T03:00:00Z 2018-11-11T02:00:00Z"},
		{"each hour of such a day", "0 * * * 0", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z 2018-11-04T04:00:00Z"},
		{"a day that never was", "0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", "2011-12-30T10:00:00Z 2012-12-29T22:00:00Z"},
		{"no zone is UTC", "@daily", "", "2026-03-28T12:00:00Z", "2026-03-29T00:00:00Z 2026-03-30T00:00:00Z"},
		{"every, since the epoch", "@every 7h", "Europe/Prague", "1970-01-01T00:00:00Z", "1970-01-01T07:00:00Z 1970-01-01T14:00:00Z"},
		{"every, before the epoch", "@every 7h", "", "1969-12-31T20:00:00Z", "1970-01-01T00:00:00Z"},
		{"a leap day", "0 0 29 2 *", "", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := mustParse(t, c.spec, c.zone)
			tick := at(t, c.after)
			for want := range strings.FieldsSeq(c.ticks) {
				tick = s.Next(tick)
				if got := tick.Format(time.RFC3339); got != want {
					t.Fatalf("got %s, want %s of %s", got, want, c.ticks)
				}
			}
		})
	}
}

func TestPreviousAndInterval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ spec, zone, at, previous, interval string }{
		{"15 6-20/2 * * 1-5", "Europe/Prague", "2025-12-19T17:00:00Z", "2025-12-19T15:15:00Z", "2h0m0s"},
		{"15 6-20/2 * * 1-5", "Europe/Prague", "2025-12-19T17:15:00Z", "2025-12-19T17:15:00Z", "2h0m0s"},
		{"15 6-20/2 * * 1-5", "Europe/Prague", "2025-12-21T00:00:00Z", "2025-12-19T19:15:00Z", "2h0m0s"},
		{"@every 6h", "", "2025-12-21T05:00:00Z", "2025-12-21T00:00:00Z", "6h0m0s"},
		{"0 0 1 1 *", "", "2025-12-21T05:00:00Z", "2025-01-01T00:00:00Z", "8760h0m0s"},
		{"0 0 29 2 *", "", "2027-12-21T05:00:00Z", "0001-01-01T00:00:00Z", "35064h0m0s"},
		{"30 2 * * *", "Europe/Prague", "2026-10-25T01:45:00Z", "2026-10-25T00:30:00Z", "24h0m0s"},
	} {
		s := mustParse(t, c.spec, c.zone)
		if got := s.Previous(at(t, c.at)).Format(time.RFC3339); got != c.previous {
			t.Errorf("%s at %s: previous %s, want %s", c.spec, c.at, got, c.previous)
		}
		if got := s.Interval(at(t, c.at)).String(); got != c.interval {
			t.Errorf("%s at %s: interval %s, want %s", c.spec, c.at, got, c.interval)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"":                               "is empty",
		"TZ=UTC":                         "names a time zone",
		"TZ=TZ=TZ=":                      "names a time zone",
		"CRON_TZ=UTC 0 0 * * *":          "names a time zone",
		"* * 31 2 *":                     "never comes",
		"0 0 30 2 *":                     "never comes",
		"@every -1s":                     "too often",
		"@every 1ns":                     "too often",
		"@every 59s":                     "too often",
		"@every 60001ms":                 "whole number of seconds",
		"@every 9000h":                   "too seldom",
		"@every":                         "is not a schedule",
		"@every soon":                    "is not a schedule",
		"@reboot":                        "is not a schedule",
		"* * * *":                        "is not a schedule",
		"0 0 0 * * *":                    "is not a schedule",
		"60 * * * *":                     "is not a schedule",
		"*/0 * * * *":                    "is not a schedule",
		"a b c d e":                      "is not a schedule",
		strings.Repeat("1,", 200):        "longer than",
		"0 0 * * * " + "\x00":            "is not a schedule",
		"1-99999999999999999999 * * * *": "is not a schedule",
	} {
		if _, err := schedules.Parse(spec, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want …%s…", spec, err, want)
		}
	}
	for _, zone := range []string{"Local", "Europe/Praha", "CET2", "../etc/passwd", "/etc/localtime", "Europe/Prague "} {
		if _, err := schedules.Parse("@daily", zone); err == nil || !strings.Contains(err.Error(), "is not a time zone") {
			t.Errorf("zone %q: got %v", zone, err)
		}
	}
}

func TestZeroSpecIsNeverDue(t *testing.T) {
	t.Parallel()
	var s schedules.Spec
	now := at(t, "2026-01-01T00:00:00Z")
	if !s.Next(now).IsZero() || !s.Previous(now).IsZero() || s.Interval(now) != 0 {
		t.Error("it is")
	}
}

// Whatever the zone, ticks go forward, Previous undoes Next, and what is between
// two ticks belongs to them.
func TestTicksAreInOrder(t *testing.T) {
	t.Parallel()
	zones := []string{"", "Europe/Prague", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia", "Antarctica/Troll"}
	specs := []string{"15 6-20/2 * * 1-5", "*/7 * * * *", "0 * * * *", "30 2 * * *", "*/15 0-3 * * *", "0 0 * * 0", "59 23 31 * *", "@every 1h30m", "@every 17m", "@hourly", "0 0 1 * *"}
	from := at(t, "2009-01-01T00:00:00Z").Unix()
	to := at(t, "2032-01-01T00:00:00Z").Unix()
	rapid.Check(t, func(t *rapid.T) {
		s, err := schedules.Parse(rapid.SampledFrom(specs).Draw(t, "spec"), rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(from, to).Draw(t, "now"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		previous, next := s.Previous(now), s.Next(now)
		if previous.After(now) || !next.After(now) {
			t.Fatalf("%s is not between %s and %s", now.UTC(), previous, next)
		}
		if got := s.Next(previous); !got.Equal(next) {
			t.Fatalf("after %s comes %s, not %s", previous, got, next)
		}
		if got := s.Previous(next); !got.Equal(next) {
			t.Fatalf("the last tick at %s is %s", next, got)
		}
		if got := s.Previous(next.Add(-time.Nanosecond)); !got.Equal(previous) {
			t.Fatalf("the last tick before %s is %s, not %s", next, got, previous)
		}
		if next.Location() != time.UTC || next.Nanosecond() != 0 {
			t.Fatalf("%s is not a whole second in UTC", next)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, spec := range []string{"15 6-20/2 * * 1-5", "@every 6h", "@daily", "TZ=UTC", "* * 31 2 *", "0 0 29 2 *", "*/5,1-3 ? JAN-MAR/2 * sun"} {
		f.Add(spec, "Europe/Prague")
	}
	f.Fuzz(func(t *testing.T, spec, zone string) {
		s, err := schedules.Parse(spec, zone)
		if err != nil {
			return
		}
		now := time.Date(2026, 3, 29, 0, 59, 59, 1, time.UTC)
		for range 5 {
			next := s.Next(now)
			if next.IsZero() {
				return
			}
			if !next.After(now) {
				t.Fatalf("%q: %s is not after %s", spec, next, now)
			}
			now = next
		}
	})
}
