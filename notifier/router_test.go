package notifier_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

func facts(string) notifier.RegisterFacts {
	return notifier.RegisterFacts{Country: "CZ", Topics: []string{"gambling", "apps"}, Authority: "Ministry"}
}

func channelsOf(deliveries []register.Delivery) (names []string) {
	for _, d := range deliveries {
		names = append(names, d.Channel)
	}
	return names
}

func TestWhen(t *testing.T) {
	added := *change("a").Change
	removed := added
	removed.Kind, removed.Before, removed.After = register.Removed, added.After, nil
	amended := added
	amended.Kind = register.Changed
	amended.Before, amended.After = register.Values{{Name: "status", Text: "old"}}, register.Values{{Name: "status", Text: "new"}, {Name: "type", Text: "app"}, {Name: "now", Text: "x"}}
	for _, test := range []struct {
		when   string
		change register.Change
		want   bool
	}{
		{`category == "app"`, added, true},
		{`category == "app"`, removed, true},
		{`category == "app"`, amended, false},
		{`status == "new"`, amended, true},
		{`status == "old"`, amended, false},
		{`kind == "removed"`, removed, true},
		{`kind in ["added", "relisted"]`, removed, false},
		{`register.country == "CZ" and "gambling" in register.topics`, added, true},
		{`register.id startsWith "cz-" && register.authority == "Ministry"`, added, true},
		{`nowhere == "" && not (nowhere contains "x")`, added, true},
		{`len(nowhere) == 0 and len(name) == 1`, added, true},
		{`type == "app" and now == "x"`, amended, true},
		{`upper(name) == "A"`, added, true},
		{`let n = lower(name); n matches "^a$"`, added, true},
		{`any(["a", "b"], # == name)`, added, true},
		{`any(register.topics, {# == "apps"})`, added, true},
		{`int(nowhere) > 3`, added, true}, // can not be asked: counts as met
		{`name matches nowhere + "("`, added, true},
		{``, added, true},
		{"  ", added, true},
	} {
		s := all("desk")
		s.When = test.when
		router := mustRoute(t, nil, s)
		got, err := router.Route(register.Outgoing{ID: "a", Register: "cz-one", Change: &test.change}, facts)
		if (len(got) == 1) != test.want {
			t.Errorf("%s: %v, %v", test.when, got, err)
		}
		fails := strings.Contains(test.when, "int(") || strings.Contains(test.when, `"("`)
		if (err != nil) != fails {
			t.Errorf("%s: error %v", test.when, err)
		}
	}
}

func TestWrongWhen(t *testing.T) {
	for when, want := range map[string]string{
		`category = "app"`:       "==",
		`category`:               "bool",
		`name > 3`:               ">",
		`register.nothing == ""`: "nothing",
		`register == "cz"`:       "==",
		`nosuch(name)`:           "nosuch",
		`name.length > 1`:        "length",
		`"unfinished`:            "literal",
		`$env["x"] == 1`:         "$env",
		`name matches "("`:       "(",
		strings.Repeat(`a == "" or `, 200) + `b == ""`: "node",
	} {
		s := all("desk")
		s.When = when
		_, wrong := notifier.NewRouter([]register.Subscription{all("x"), s}, nil)
		if len(wrong) != 1 || wrong[0].Path != "subscriptions[1].when" || !strings.Contains(wrong[0].Error(), want) || strings.Contains(wrong[0].Error(), "\n") {
			t.Errorf("%.40s: %v", when, wrong)
		}
	}
}

func TestRegistersFilter(t *testing.T) {
	out := change("a")
	for names, want := range map[string]bool{"*": true, "cz-one": true, "CZ": true, "gambling": true, "cz-two": false, "SK": false, "cz": false, "cz-two,apps": true, "": false} {
		s := all("desk")
		s.Registers = strings.Split(names, ",")
		got, err := mustRoute(t, nil, s).Route(out, facts)
		if err != nil || (len(got) == 1) != want {
			t.Errorf("%q: %v, %v", names, got, err)
		}
	}
}

func TestUnknownRegisterFallsBackOnTheChange(t *testing.T) {
	s := all("desk")
	s.Registers, s.When = []string{"CZ"}, `register.authority == "Ministry"`
	if got, err := mustRoute(t, nil, s).Route(change("a"), noFacts); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestUnmatched(t *testing.T) {
	s := all("desk")
	s.Registers = []string{"*", "cz-one", "CZ", "cz-onne", "SK"}
	wrong := mustRoute(t, nil, s).Unmatched([]string{"cz-one"}, facts)
	if len(wrong) != 2 || wrong[0].Path != "subscriptions[0].registers[3]" || !strings.Contains(wrong[0].Hint, "cz-one") {
		t.Errorf("%v", wrong)
	}
}

func TestOnlyWatchedChangesAreDelivered(t *testing.T) {
	router := mustRoute(t, []string{"ops"}, all("desk", "ops"))
	for _, origin := range []register.Origin{register.Import, register.Upgrade} {
		out := change("a")
		out.Change.Origin = origin
		if got, err := router.Route(out, facts); len(got) != 0 || err != nil {
			t.Errorf("%s: %v, %v", origin, got, err)
		}
	}
	got, _ := router.Route(signal("s"), facts)
	if len(got) != 1 || got[0].Subscription != register.Operators || got[0].Channel != "ops" {
		t.Errorf("signal: %+v", got)
	}
}

// TestRouteProperties: a channel has an event once; it has it exactly if some
// subscription that names it wants the event; the order of subscriptions only
// decides whose the delivery is.
func TestRouteProperties(t *testing.T) {
	names := []string{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		subscription := rapid.Custom(func(t *rapid.T) register.Subscription {
			return register.Subscription{
				Name:      rapid.StringMatching(`[a-z]{3}`).Draw(t, "name"),
				Registers: rapid.SliceOfN(rapid.SampledFrom([]string{"*", "CZ", "SK", "apps", "cz-one", "cz-two"}), 1, 3).Draw(t, "registers"),
				Kinds:     rapid.SliceOfN(rapid.SampledFrom(register.Kinds), 0, 3).Draw(t, "kinds"),
				When:      rapid.SampledFrom([]string{"", `category == "app"`, `name == "no"`, `kind != "added"`}).Draw(t, "when"),
				To:        rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "to"),
			}
		})
		subscriptions := rapid.SliceOfN(subscription, 0, 6).Draw(t, "subscriptions")
		out := change("e")
		out.Change.Kind = rapid.SampledFrom(register.Kinds).Draw(t, "kind")
		out.Change.Before = out.Change.After
		want := map[string]bool{}
		for _, s := range subscriptions {
			alone, _ := notifier.NewRouter([]register.Subscription{s}, nil)
			got, _ := alone.Route(out, facts)
			for _, d := range got {
				want[d.Channel] = true
			}
		}
		for range 2 {
			router, wrong := notifier.NewRouter(subscriptions, []string{"ops"})
			if len(wrong) > 0 {
				t.Fatal(wrong)
			}
			got, err := router.Route(out, facts)
			if err != nil || len(got) != len(want) {
				t.Fatalf("%v, %v; want %v", got, err, want)
			}
			for _, name := range channelsOf(got) {
				if !want[name] {
					t.Fatalf("%s is told", name)
				}
			}
			slices.Reverse(subscriptions)
		}
	})
}

func FuzzWhen(f *testing.F) {
	for _, s := range []string{`category == "app"`, `any(register.topics, # == "x")`, `let a = b; a == ""`, `a ? b == "" : true`, `1..2`, `{"a": 1}.a == 1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, when string) {
		if strings.Contains(when, "..") || len(when) > 200 {
			return // long ranges only take time
		}
		s := all("desk")
		s.When = when
		router, wrong := notifier.NewRouter([]register.Subscription{s}, nil)
		if len(wrong) > 0 {
			return
		}
		if got, err := router.Route(change("a"), facts); err != nil && len(got) != 1 {
			t.Fatalf("a condition that fails keeps a change back: %v", err)
		}
	})
}
