package register_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

// reflected is the obvious JSON of an event.
func reflected(event register.Event) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(event)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}

// TestEventJSON: an event's JSON is what encoding/json makes of it, whatever it holds
// and lacks.
func TestEventJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := register.NewChangeEvent(texts.Draw(t, "source"), drawChange(t))
		event.Time = instants.Draw(t, "time")
		if rapid.Bool().Draw(t, "bare") {
			event.Subject, event.DataSchema = "", ""
		}
		got, err := event.JSON()
		if err != nil {
			t.Fatal(err)
		}
		want, err := reflected(event)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestEventJSONOfOtherData: a signal, and data of no kind of ours, as they are.
func TestEventJSONOfOtherData(t *testing.T) {
	for _, event := range []register.Event{
		register.NewSignalEvent("https://r.example", register.Signal{ID: "i", Register: "a-b", State: register.StateHeld, Reason: "1 < 2 & 3", Counts: map[string]int{"added": 3}}),
		{Data: map[string]string{"note": "<b>"}},
		{},
	} {
		got, err := event.JSON()
		want, _ := reflected(event)
		if err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

// TestEventWithoutJSON: a time that JSON does not know is an error, and no text.
func TestEventWithoutJSON(t *testing.T) {
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, event := range []register.Event{
		register.NewChangeEvent("", register.Change{ID: "i", ObservedAt: late}),
		register.NewChangeEvent("", register.Change{ID: "i", FirstSeen: late}),
		register.NewChangeEvent("", register.Change{ID: "i", MissingSince: &late}),
		register.NewChangeEvent("", register.Change{ID: "i", EarlierPeriods: []register.Period{{To: late}}}),
		register.NewSignalEvent("", register.Signal{ID: "i", At: late}),
	} {
		if got, err := event.JSON(); err == nil || got != nil {
			t.Errorf("%s, %v", got, err)
		}
	}
}

var (
	texts = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "plain", `quote " and \`, "<b>&amp;</b>", "line\u2028end\u2029", "cut \xff\xc3", "tab\tnull\x00", "шоу 中文 😀", "\ufffd",
	}))
	instants = rapid.Custom(func(t *rapid.T) time.Time {
		at := time.Unix(rapid.Int64Range(-1<<35, 1<<37).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		return at.In(rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("", 5*3600+1800), time.FixedZone("", -3*3600)}).Draw(t, "zone"))
	})
	valuesDrawn = rapid.Custom(func(t *rapid.T) register.Values {
		return register.Values(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) register.Value {
			return register.Value{Name: texts.Draw(t, "name"), Text: texts.Draw(t, "text")}
		}), 0, 4).Draw(t, "values"))
	})
)

func drawChange(t *rapid.T) register.Change {
	maybe := func(label string) bool { return rapid.Bool().Draw(t, label) }
	c := register.Change{
		ID: texts.Draw(t, "id"), Register: texts.Draw(t, "register"), Title: texts.Draw(t, "title"), Authority: texts.Draw(t, "authority"),
		Country: texts.Draw(t, "country"), Attribution: texts.Draw(t, "attribution"),
		Kind: rapid.SampledFrom(register.Kinds).Draw(t, "kind"), Origin: register.Origin(texts.Draw(t, "origin")),
		ObservedAt: instants.Draw(t, "observed"), EntryID: texts.Draw(t, "entry"), Key: register.Key(texts.Draw(t, "key")),
		FirstSeen: instants.Draw(t, "first"), LastSeen: instants.Draw(t, "last"),
		ListedOn: register.Date(texts.Draw(t, "listed")), DelistedOn: register.Date(texts.Draw(t, "delisted")),
		Run: register.RunID(rapid.Int64().Draw(t, "run")), Partial: maybe("partial"),
		Evidence: register.Evidence{
			URL: texts.Draw(t, "url"), FetchedAt: instants.Draw(t, "fetched"), Complete: maybe("complete"), Definition: texts.Draw(t, "definition"),
		},
	}
	if maybe("sequence") {
		c.Sequence = new(rapid.Int64().Draw(t, "sequence"))
	}
	if maybe("previous key") {
		c.PreviousKey = new(register.Key(texts.Draw(t, "previous")))
	}
	if maybe("before") {
		c.Before = valuesDrawn.Draw(t, "before")
	}
	if maybe("after") {
		c.After = valuesDrawn.Draw(t, "after")
	}
	if maybe("differences") {
		c.Differences = map[string]register.Difference{}
		for range rapid.IntRange(0, 3).Draw(t, "differing") {
			c.Differences[texts.Draw(t, "field")] = register.Difference{texts.Draw(t, "was"), texts.Draw(t, "is")}
		}
	}
	if maybe("missing") {
		c.MissingSince = new(instants.Draw(t, "missing"))
	}
	if maybe("published") {
		c.Evidence.PublishedAt = new(instants.Draw(t, "published"))
	}
	if maybe("earlier") {
		c.EarlierPeriods = []register.Period{}
		for range rapid.IntRange(0, 3).Draw(t, "periods") {
			c.EarlierPeriods = append(c.EarlierPeriods, register.Period{From: instants.Draw(t, "from"), To: instants.Draw(t, "to")})
		}
	}
	if maybe("pages") {
		c.Evidence.Pages = []register.EvidencePage{}
		for range rapid.IntRange(0, 3).Draw(t, "pages") {
			c.Evidence.Pages = append(c.Evidence.Pages, register.EvidencePage{URL: texts.Draw(t, "page"), SHA256: texts.Draw(t, "sum"), Bytes: rapid.Int64().Draw(t, "bytes")})
		}
	}
	return c
}

// BenchmarkEventJSON writes the event of a change of usual size, beside encoding/json.
func BenchmarkEventJSON(b *testing.B) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	c := register.Change{
		ID: "eaq42ywghhr3bwxeui5dmcs3si", Register: "ru-large", Title: "A large register", Authority: "Authority", Country: "RU",
		Kind: register.Added, Origin: register.Watch, Sequence: new(int64(17)), ObservedAt: at, FirstSeen: at, LastSeen: at,
		EntryID: "q7", Key: `["123456"]`,
		After: register.Values{
			{Name: "number", Text: "123456"},
			{Name: "ip", Text: "203.0.113.7"},
			{Name: "domain", Text: "one.example"},
			{Name: "url", Text: "http://one.example/a/long/path?with=query"},
			{Name: "authority", Text: "Роскомнадзор"},
			{Name: "decision", Text: "№ 27-31-2020/Ид"},
		},
		Evidence: register.Evidence{URL: "https://one.example/list.csv", FetchedAt: at, Complete: true, Pages: []register.EvidencePage{{URL: "https://one.example/list.csv", SHA256: "ab", Bytes: 1}}},
	}
	event := register.NewChangeEvent("", c)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := event.JSON(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := reflected(event); err != nil {
				b.Fatal(err)
			}
		}
	})
}
