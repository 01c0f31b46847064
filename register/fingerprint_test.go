package register_test

import (
	"testing"

	"github.com/regwatch/regwatch/register"
)

// What decides which entries the same bytes give changes the fingerprint, and
// nothing else does.
func TestFingerprint(t *testing.T) {
	base := func() register.Definition {
		return register.Definition{
			ID: "xx-list", Schedule: register.Schedule{Cron: "@daily", Timezone: "Europe/Prague"},
			Fetch: register.Fetch{URLs: []string{"https://a.example"}}, Parse: register.Parse{Format: register.FormatCSV},
			Fields: []register.Field{{Name: "name"}, {Name: "at", Type: register.TypeDatetime}}, Key: []string{"name"},
		}
	}
	for _, c := range []struct {
		name    string
		change  func(*register.Definition)
		differs bool
	}{
		{"format", func(d *register.Definition) { d.Parse.Format = register.FormatText }, true},
		{"a field", func(d *register.Definition) { d.Fields[0].Strip = "x" }, true},
		{"key", func(d *register.Definition) { d.Key = []string{"at"} }, true},
		{"listed_while", func(d *register.Definition) { d.ListedWhile = "true" }, true},
		{"ignore", func(d *register.Definition) { d.Ignore = []string{"at"} }, true},
		{"encoding", func(d *register.Definition) { d.Fetch.Encoding = "utf-8" }, true},
		{"the zone of an instant", func(d *register.Definition) { d.Schedule.Timezone = "UTC" }, true},
		{"schedule", func(d *register.Definition) { d.Schedule.Cron = "@hourly" }, false},
		{"address", func(d *register.Definition) { d.Fetch.URLs[0] = "https://b.example" }, false},
		{"threshold", func(d *register.Definition) { d.Expect.Thresholds.Swap, d.Expect.Thresholds.RekeyPairs = 0.9, 9 }, false},
		{"trust in its servers", func(d *register.Definition) { d.Fetch.TLS = register.TLS{CA: "x", Pins: []string{"y"}} }, false},
		{"title", func(d *register.Definition) { d.Title = "List" }, false},
	} {
		changed := base()
		c.change(&changed)
		if differs := changed.Fingerprint() != base().Fingerprint(); differs != c.differs {
			t.Errorf("another %s: the fingerprint differs: %v", c.name, differs)
		}
	}
	dates := base()
	dates.Fields[1].Type = register.TypeDate
	elsewhere := dates
	elsewhere.Schedule.Timezone = "UTC"
	if dates.Fingerprint() != elsewhere.Fingerprint() {
		t.Error("the zone of a register without instants changes the fingerprint")
	}
}
