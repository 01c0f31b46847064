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
