package differ_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// entry makes one of "key|name|reason", with empty fields left out.
func entry(text string) register.Entry {
	parts := strings.Split(text, "|")
	e := register.Entry{Key: register.NewKey(parts[0])}
	for i, name := range []string{"id", "name", "reason", "listed_on", "delisted_on"} {
		if i < len(parts) && parts[i] != "" {
			e.Fields = append(e.Fields, register.Value{Name: name, Text: parts[i]})
		}
	}
	e.Content = register.ContentHash(e.Fields)
	return e
}

func snapshot(texts ...string) register.Snapshot {
	var s register.Snapshot
	for _, t := range texts {
		s.Entries = append(s.Entries, entry(t))
	}
	return s
}

// told writes differences in short, for comparison.
func told(d differ.Differences) []string {
	show := func(e register.Entry) string {
		var parts []string
		for _, v := range e.Fields {
			parts = append(parts, v.Text)
		}
		return strings.Join(parts, "|")
	}
	var lines []string
	for _, e := range d.Added {
		lines = append(lines, "+"+show(e))
	}
	for _, r := range d.Removed {
		mark := "-"
		if r.Statement != nil {
			mark = "stated -"
		}
		lines = append(lines, mark+show(r.Entry))
	}
	for _, p := range d.Changed {
		lines = append(lines, "~"+show(p.Before)+" > "+show(p.After))
	}
	for _, p := range d.Rekeyed {
		lines = append(lines, "rekeyed "+show(p.Before)+" > "+show(p.After))
	}
	return lines
}

func TestDiff(t *testing.T) {
	tests := map[string]struct {
		prev, next []string
		delisted   []string
		want       []string
	}{
		"nothing":             {[]string{"a|x"}, []string{"a|x"}, nil, nil},
		"added in page order": {[]string{"b|x"}, []string{"c|x", "b|x", "a|x"}, nil, []string{"+c|x", "+a|x"}},
		"removed":             {[]string{"a|x", "b|y"}, []string{"b|y"}, nil, []string{"-a|x"}},
		"changed":             {[]string{"a|x|r"}, []string{"a|x|s"}, nil, []string{"~a|x|r > a|x|s"}},
		"shared key, equal content is paired first": {
			[]string{"a|x|r", "a|y|s"}, []string{"a|y|s", "a|z|r"}, nil, []string{"~a|x|r > a|z|r"},
		},
		"shared key, fewest differing fields": {
			[]string{"a|x|r", "a|y|s"}, []string{"a|y|r2", "a|x|r2"}, nil, []string{"~a|y|s > a|y|r2", "~a|x|r > a|x|r2"},
		},
		"shared key, one more": {[]string{"a|x"}, []string{"a|y", "a|x"}, nil, []string{"+a|y"}},
		"shared key, one less": {[]string{"a|x", "a|y"}, []string{"a|y"}, nil, []string{"-a|x"}},
		"the register says it is gone": {
			[]string{"a|x|r|2020"}, nil, []string{"a|x|r|2020|2021"}, []string{"stated -a|x|r|2020"},
		},
		"one statement is of one entry": {
			[]string{"a|x|r", "a|x"}, nil, []string{"a|x|r|2020|2021"}, []string{"stated -a|x|r", "-a|x"},
		},
		"two statements that say the same of two entries": {
			[]string{"a|x|r", "a|x"}, nil, []string{"a|x|r|2020|2021", "a|x|r|2020|2022"}, []string{"stated -a|x|r", "stated -a|x"},
		},
		"delisted and listed again on one page": {
			[]string{"a|x|r|2020"}, []string{"a|x|r|2022"}, []string{"a|x|r|2020|2021"}, []string{"+a|x|r|2022", "stated -a|x|r|2020"},
		},
		"an old delisting says nothing of today's absence": {
			[]string{"a|x|r|2022"}, nil, []string{"a|x|r|2020|2021"}, []string{"-a|x|r|2022"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			next := snapshot(test.next...)
			next.Delisted = snapshot(test.delisted...).Entries
			got := told(differ.Diff(snapshot(test.prev...), next))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// snapshots draws two snapshots that share keys, contents and repeats of keys.
func snapshots(t *rapid.T) (a, b register.Snapshot) {
	cell := rapid.SampledFrom([]string{"", "p", "q", "r"})
	draw := func(label string) register.Snapshot {
		var s register.Snapshot
		seen := map[string]bool{}
		for range rapid.IntRange(0, 40).Draw(t, label) {
			text := fmt.Sprintf("%d|%s|%s", rapid.IntRange(0, 15).Draw(t, "key"), cell.Draw(t, "name"), cell.Draw(t, "reason"))
			if !seen[text] {
				seen[text] = true
				s.Entries = append(s.Entries, entry(text))
			}
		}
		return s
	}
	return draw("a"), draw("b")
}

func TestApplyOfDiffIsTheNewer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := snapshots(t)
		got := differ.Apply(a.Entries, differ.Diff(a, b))
		want := differ.Apply(b.Entries, differ.Differences{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestDiffOfItselfIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, _ := snapshots(t)
		shuffled := register.Snapshot{Entries: slices.Clone(a.Entries)}
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(shuffled.Entries), func(i, j int) {
			shuffled.Entries[i], shuffled.Entries[j] = shuffled.Entries[j], shuffled.Entries[i]
		})
		if d := differ.Diff(a, shuffled); !d.Empty() || d.Same != len(a.Entries) {
			t.Fatalf("differs from itself: %v", told(d))
		}
	})
}

func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := snapshots(t)
		straight := told(differ.Diff(a, b))
		slices.Reverse(a.Entries)
		slices.Reverse(b.Entries)
		reversed := told(differ.Diff(a, b))
		slices.Sort(straight)
		slices.Sort(reversed)
		if diff := cmp.Diff(straight, reversed); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestHugeGroupOfOneKeyEnds(t *testing.T) {
	var a, b register.Snapshot
	for i := range 3000 {
		a.Entries = append(a.Entries, entry(fmt.Sprintf("k|a%d", i)))
		b.Entries = append(b.Entries, entry(fmt.Sprintf("k|b%d", i)))
	}
	if d := differ.Diff(a, b); len(d.Changed) != 3000 {
		t.Fatalf("changed %d, want 3000", len(d.Changed))
	}
}

func TestRelate(t *testing.T) {
	def := register.Definition{Key: []string{"id"}, Fields: []register.Field{
		{Name: "id"}, {Name: "name"}, {Name: "reason"}, {Name: "listed_on", Type: register.TypeDate},
	}}
	tests := map[string]struct {
		prev, next, want []string
	}{
		"renumbered": {
			[]string{"1|x|r", "2|y|r"},
			[]string{"11|x|r", "12|y|r"},
			[]string{"rekeyed 1|x|r > 11|x|r", "rekeyed 2|y|r > 12|y|r"},
		},
		"one pair may be chance": {[]string{"1|x|r"}, []string{"11|x|r"}, []string{"+11|x|r", "-1|x|r"}},
		"not unique": {
			[]string{"1|x|r", "2|x|r", "3|y|r", "4|z|r"},
			[]string{"11|x|r", "13|y|r", "14|z|r"},
			[]string{"+11|x|r", "-1|x|r", "-2|x|r", "rekeyed 3|y|r > 13|y|r", "rekeyed 4|z|r > 14|z|r"},
		},
		"not unique among the new": {
			[]string{"1|x|r", "3|y|r", "4|z|r"},
			[]string{"11|x|r", "12|x|r", "13|y|r", "14|z|r"},
			[]string{"+11|x|r", "+12|x|r", "-1|x|r", "rekeyed 3|y|r > 13|y|r", "rekeyed 4|z|r > 14|z|r"},
		},
		"too little to know it by": {[]string{"1|x", "2|y"}, []string{"11|x", "12|y"}, []string{"+11|x", "+12|y", "-1|x", "-2|y"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := told(differ.Relate(differ.Diff(snapshot(test.prev...), snapshot(test.next...)), def))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
