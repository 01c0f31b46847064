package pipeline_test

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

func TestChangedDefinitionAnnouncesNothing(t *testing.T) {
	b := newBench(t)
	b.site.Publish("/list.csv", csvPage("id,name,reason\n1,a,x\n2,b,y\n3,c,z\n"))
	b.def.Fields = b.def.Fields[:2] // without the reason
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.site.Publish("/list.csv", csvPage("id,name,reason\n1,a,x\n2,b,y\n3,c,z\n4,d,w\n"))
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})

	b.def.Fields = append(b.def.Fields, register.Field{Name: "reason", From: []register.Source{{Name: "reason"}}})
	b.site.Publish("/list.csv", csvPage("id,name,reason\n1,a,x\n2,b,y\n3,c,changed\n4,d,w\n5,e,v\n"))
	_, changes := b.run()
	if len(changes) != 2 { // what the register changed, and nothing of ours
		t.Fatalf("%d changes, want 2: %+v", len(changes), changes)
	}
	for _, c := range changes {
		if c.Origin != register.Watch {
			t.Errorf("%s %s has origin %s", c.Kind, c.Key, c.Origin)
		}
	}
	if got := *changes[1].Sequence; got != 3 {
		t.Errorf("sequence %d, want 3: the upgrade takes none", got)
	}
	signals := b.signals()
	if len(signals) != 1 || signals[0].State != register.StateUpgraded || signals[0].Counts["changed"] != 4 {
		t.Errorf("signals %+v", signals)
	}
}

func TestDefinitionThatCanNotReadTheHeadFailsAndKeepsIt(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.def.Fields[1].From = []register.Source{{Name: "title"}}
	if run := b.expect(register.OutcomeFailed, register.Counts{}); run.Class != register.ClassShape || run.Entries != 2 {
		t.Errorf("%s with %d entries: %s", run.Class, run.Entries, run.Reason)
	}
}

// An entry that waits for its removal when the definition changes is read anew
// too, from the page that showed it last: it may return, or go on being missing,
// and either way nothing of ours is announced.
func TestChangedDefinitionReadsWhatIsMissingAnew(t *testing.T) {
	for name, change := range map[string]func(*register.Definition){
		"a field more": func(d *register.Definition) {
			d.Fields = append(d.Fields, register.Field{Name: "reason", From: []register.Source{{Name: "reason"}}})
		},
		"another key":  func(d *register.Definition) { d.Key = []string{"name"} },
		"another type": func(d *register.Definition) { d.Fields[1].Map = map[string]string{"c": "C"} },
	} {
		for _, returns := range []bool{true, false} {
			b := newBench(t)
			b.def.Fields = slices.Clone(b.def.Fields[:2])
			with, without := csvPage("id,name,reason\n1,a,x\n2,b,y\n3,c,z\n"), csvPage("id,name,reason\n1,a,x\n2,b,y\n")
			b.site.Publish("/list.csv", with)
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.site.Publish("/list.csv", without)
			b.expect(register.OutcomeUnchanged, register.Counts{})
			change(&b.def)
			if returns {
				b.site.Publish("/list.csv", with)
				b.expect(register.OutcomeUnchanged, register.Counts{})
				continue
			}
			_, changes := b.run()
			if len(changes) != 1 || changes[0].Kind != register.Removed || changes[0].Before.Get("number") != "3" {
				t.Errorf("%s: %+v", name, changes)
			}
		}
	}
}

// What only cut pages showed is read anew from them.
func TestChangedDefinitionReadsCutPagesAnew(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	for _, rows := range []string{"1,a\n2,b\n3,c\n9,", "1,a\n4,d\n9,"} {
		b.site.Publish("/list.csv", csvPage("id,name\n"+rows))
		b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	}
	b.def.Key = []string{"name"}
	b.publish("1,a", "2,b", "3,c", "4,d")
	b.expect(register.OutcomeUnchanged, register.Counts{})
}

// Where the page that must be read anew is gone, the next complete fetch stands
// in for it: what is found again by its key is our reading, the rest is judged.
func TestChangedDefinitionWithoutTheArchivedPage(t *testing.T) {
	b := newBench(t)
	b.def.Fields = b.def.Fields[:2]
	b.site.Publish("/list.csv", csvPage("id,name,reason\n1,a,x\n2,b,y\n3,c,z\n"))
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.def.Fields = append(b.def.Fields, register.Field{Name: "reason", From: []register.Source{{Name: "reason"}}})
	b.Open = without(b.Open, b.allRuns()[0].Pages[0].SHA256)
	b.site.Publish("/list.csv", csvPage("id,name,reason\n1,a,x\n2,b,y\n3,c,z\n4,d,w\n"))
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	signals := b.signals()
	if len(signals) != 1 || signals[0].State != register.StateUpgraded || signals[0].Counts["changed"] != 3 || signals[0].Next == "" {
		t.Errorf("signals %+v", signals)
	}
	b.expect(register.OutcomeUnchanged, register.Counts{})
}

func TestAnotherKeyWithoutTheArchivedPageIsHeld(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b", "3,c")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.def.Key = []string{"name"}
	b.Open = without(b.Open, b.allRuns()[0].Pages[0].SHA256)
	b.publish("1,a", "2,b", "3,c", "4,d")
	b.expect(register.OutcomeHeld, register.Counts{})
}

// without is an archive that lost a body.
func without(open func(string) (io.ReadCloser, error), lost string) func(string) (io.ReadCloser, error) {
	return func(sha256 string) (io.ReadCloser, error) {
		if sha256 == lost {
			return nil, fs.ErrNotExist
		}
		return open(sha256)
	}
}

func TestGapAfterAnImportIsRecordedAndNotAnnounced(t *testing.T) {
	b := newBench(t)
	live := b.Pipeline.Source
	for i, body := range []string{"id,name\n1,a\n2,b\n", "id,name\n1,a\n2,b\n3,c\n"} {
		at := b.tick.Add(time.Duration(i-48) * time.Hour)
		b.Pipeline.Source = pipeline.Saved{
			Name: "old.csv", SavedAt: at, Archive: b.archive,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(body))), nil },
		}
		if _, _, err := b.Run(t.Context(), b.def, register.Due{Register: b.def.ID, Tick: at, Trigger: register.TriggerImport}); err != nil {
			t.Fatal(err)
		}
	}
	b.Pipeline.Source = live
	b.publish("1,a", "2,b", "3,c", "4,d", "5,e")
	for i, want := range []register.Origin{register.Import, register.Watch} {
		if i == 1 {
			b.publish("1,a", "2,b", "3,c", "4,d", "5,e", "6,f")
		}
		_, changes := b.run()
		if len(changes) == 0 {
			t.Fatal("no change")
		}
		for _, c := range changes {
			if c.Origin != want || (c.Sequence == nil) != (want == register.Import) {
				t.Errorf("%s %s has origin %s and sequence %v, want %s", c.Kind, c.Key, c.Origin, c.Sequence, want)
			}
		}
	}
	if signals := b.signals(); len(signals) != 1 || signals[0].Counts["added"] != 2 {
		t.Errorf("signals %+v", signals)
	}
}

func csvPage(body string) http.Handler { return testsite.Plain("text/csv", []byte(body)) }

// byName makes the name the key, so that nothing is found again by its old key.
func (b *bench) byName() { b.def.Key = []string{"name"} }

// An entry whose wait only a cut page ended is on no whole page since: it is read
// anew from the cut one, whether it stays or goes.
func TestChangedDefinitionReadsWhatOnlyACutPageShowedAgain(t *testing.T) {
	for _, stays := range []bool{true, false} {
		b := newBench(t)
		b.publish("1,a", "2,b", "3,c", "4,d", "5,e", "6,f", "7,g", "8,h")
		b.expect(register.OutcomeBaseline, register.Counts{})
		b.publish("1,a", "2,b", "3,c", "4,d", "5,e", "6,f")
		b.expect(register.OutcomeUnchanged, register.Counts{})
		b.site.Publish("/list.csv", csvPage("id,name\n1,a\n7,g\n9,"))
		if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.Waiting != 1 {
			t.Fatalf("%d wait, want 8 alone", run.Waiting)
		}
		b.byName()
		want := register.Counts{}
		if b.publish("1,a", "2,b", "3,c", "4,d", "5,e", "6,f", "7,g", "8,h"); !stays {
			b.publish("1,a", "2,b", "3,c", "4,d", "5,e", "6,f")
			run, changes := b.run()
			if len(changes) != 1 || changes[0].Before.Get("name") != "h" || run.Waiting != 1 {
				t.Fatalf("%d wait, %+v; want h gone, which waited, and g to wait anew", run.Waiting, changes)
			}
			want.Removed = 1
		}
		run, changes := b.run()
		if run.Counts != want || len(changes) > 0 && (changes[0].Origin != register.Watch || changes[0].Before.Get("name") != "g") {
			t.Errorf("stays %v: %+v", stays, changes)
		}
		if n := len(b.head()); stays != (n == 8) || !stays && n != 6 {
			t.Errorf("stays %v: the head is %v", stays, b.head())
		}
	}
}

// What a later cut page shows of an entry that an earlier one brought is not
// believed yet, and so it is not taken for our reading either.
func TestChangedDefinitionReadsAnEntryWhereItWasBrought(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	for _, rows := range []string{"1,a\n3,c\n9", "1,a\n3,z\n4,d\n9"} {
		b.site.Publish("/list.csv", csvPage("id,name\n"+rows))
		b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	}
	b.def.Fields[1].Strip = "x$"
	b.publish("1,a", "2,b", "3,z", "4,d")
	if _, changes := b.run(); len(changes) != 1 || changes[0].Before.Get("name") != "c" || changes[0].After.Get("name") != "z" {
		t.Errorf("%+v", changes)
	}
}

// A cut page that ended a wait may be full of strangers, which were not believed.
func TestChangedDefinitionReadsNoStrangersOfACutPage(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b", "3,c")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish("1,a", "2,b")
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.site.Publish("/list.csv", csvPage("id,name\n3,c\n7,x\n8,y\n9"))
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.def.Fields[1].Strip = "x$"
	b.publish("1,a", "2,b", "7,z")
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
}

// What is believed while something is held is read anew too, and nothing else of
// that page.
func TestChangedDefinitionWhileSomethingIsHeld(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(append(list(20, 40, "firm"), list(50, 52, "new")...)...)
	b.expect(register.OutcomeHeld, register.Counts{Added: 2})
	b.byName()
	b.publish(append(list(0, 40, "firm"), list(50, 52, "new")...)...)
	for range 3 {
		if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.Waiting > 0 || run.Entries != 42 {
			t.Fatalf("%d wait, %d entries", run.Waiting, run.Entries)
		}
	}
	b.expectStates(register.StateHeld, register.StateReleased, register.StateUpgraded)
}

// A page of another register that is held shows nothing that is to be read anew,
// although it ended a wait.
func TestChangedDefinitionWhileASwapIsHeld(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(1, 40, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.publish(append(list(0, 1, "firm"), list(100, 140, "other")...)...)
	if run := b.expect(register.OutcomeHeld, register.Counts{}); run.Waiting > 0 {
		t.Fatalf("%d wait", run.Waiting)
	}
	b.def.Fields[1].Strip = "x$"
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	if n := len(b.head()); n != 40 {
		t.Errorf("%d entries: %v", n, b.head())
	}
}

// The last page of which nothing was held may have been rejected by a person: the
// head was not seen on it.
func TestChangedDefinitionAfterARejectedPage(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(100, 140, "other")...)
	held := b.expect(register.OutcomeHeld, register.Counts{})
	if _, _, err := b.Reject(t.Context(), b.def, held.ID); err != nil {
		t.Fatal(err)
	}
	b.expect(register.OutcomeUnchanged, register.Counts{}) // the same page once more
	b.byName()
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	if n := len(b.head()); n != 40 {
		t.Errorf("%d entries: %v", n, b.head())
	}
}

// An entry that is missing after a hold was not seen on what was held.
func TestChangedDefinitionReadsNoHeldPageForWhatIsMissing(t *testing.T) {
	b := newBench(t)
	b.publish(list(0, 40, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(list(100, 140, "other")...)
	b.expect(register.OutcomeHeld, register.Counts{})
	b.publish(list(1, 40, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.byName()
	_, changes := b.run()
	if len(changes) != 1 || changes[0].Kind != register.Removed || changes[0].Before.Get("name") != "firm 0" || len(b.head()) != 39 {
		t.Errorf("%+v; the head is %v", changes, b.head())
	}
}
