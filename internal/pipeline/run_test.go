package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

func TestStoryOfARegister(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b", "3,c")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.publish("1,a", "2,B", "4,d")
	if run := b.expect(register.OutcomeChanged, register.Counts{Added: 1, Changed: 1}); run.Waiting != 1 {
		t.Errorf("%d waiting, want 1", run.Waiting)
	}
	if run := b.expect(register.OutcomeChanged, register.Counts{Removed: 1}); !run.NotModified {
		t.Error("equal bytes were read anew")
	}
	b.publish("1,a", "2,B", "3,c", "4,d")
	run := b.expect(register.OutcomeChanged, register.Counts{Relisted: 1})
	if diff := cmp.Diff([]string{"1 a", "2 B", "3 c", "4 d"}, b.head(), sorted()); diff != "" {
		t.Error(diff)
	}
	if len(b.signals()) != 0 {
		t.Errorf("the operator heard %v", b.signals())
	}
	stored, err := b.store.Run(t.Context(), run.ID)
	if err != nil || !stored.Proof.Complete() || len(stored.Pages) != 1 {
		t.Errorf("stored run %+v, %v", stored, err)
	}
}

func TestFailuresAreToldOnceAndTouchNothing(t *testing.T) {
	web := []byte("<!doctype html><html><title>Scheduled maintenance</title></html>")
	list := []byte("id,name\n1,a\n2,b\n3,c\n")
	for name, test := range map[string]struct {
		page  http.Handler
		class string
		says  string // and the URL, or what came
	}{
		"a web page":       {testsite.Plain("text/html", web), register.ClassMaintenance, "Scheduled maintenance"},
		"empty":            {testsite.Plain("text/csv", nil), register.ClassEmpty, "empty"},
		"no entries":       {testsite.Plain("text/csv", []byte("id,name\n")), register.ClassEmpty, "no"},
		"not found":        {http.NotFoundHandler(), register.ClassStatus, "404"},
		"broken server":    {testsite.Status(500, "text/html", web), register.ClassStatus, "500"},
		"huge":             {testsite.Endless("text/csv", []byte("9,x\n")), register.ClassTooLarge, "1048576 bytes"},
		"drip":             {testsite.Slow("text/csv", list, 1, time.Minute), register.ClassTooSlow, "fetch.timeout"},
		"a missing column": {testsite.Plain("text/csv", []byte("id,title\n1,a\n")), register.ClassShape, `"name"`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.def.Fetch.MaxBytes = 1 << 20
			if name == "drip" {
				b.def.Fetch.Timeout = 700 * time.Millisecond
			}
			b.publish("1,a", "2,b", "3,c")
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.site.Publish("/list.csv", test.page)
			for range 2 {
				run := b.expect(register.OutcomeFailed, register.Counts{})
				if run.Class != test.class || !strings.Contains(run.Reason, test.says) {
					t.Errorf("failed as %s: %s", run.Class, run.Reason)
				}
				if run.Entries != 3 {
					t.Errorf("the head has %d entries", run.Entries)
				}
			}
			b.publish("1,a", "2,b", "3,c", "4,d")
			b.expect(register.OutcomeChanged, register.Counts{Added: 1})
			var states []register.State
			for _, s := range b.signals() {
				states = append(states, s.State)
			}
			told := register.StateFailed
			if test.class == register.ClassShape {
				told = register.StateSchemaChanged
			}
			if diff := cmp.Diff([]register.State{told, register.StateStale, register.StateRecovered}, states); diff != "" {
				t.Errorf("signals: %s", diff)
			}
		})
	}
}

func TestCutPageShowsWhatIsThereNeverWhatIsGone(t *testing.T) {
	b := newBench(t)
	b.publish("1,a", "2,b", "3,c", "4,d")
	b.expect(register.OutcomeBaseline, register.Counts{})
	body := []byte("id,name\n9,new\n1,a\n2,b\n3,c\n4,d\n")
	b.site.Publish("/list.csv", testsite.Cut("text/csv", body, len("id,name\n9,new\n1,a\n2,b\n3,")))
	for range 3 {
		run, _ := b.run()
		if run.Counts.Removed != 0 || run.Waiting != 0 || run.Proof.Complete() {
			t.Fatalf("a cut page: %s %+v, %d waiting, proof %v", run.Outcome, run.Counts, run.Waiting, run.Proof)
		}
	}
	if head := b.head(); len(head) < 4 {
		t.Errorf("head %v", head)
	}
}

func TestUnreachableNamesTheAddress(t *testing.T) {
	b := newBench(t)
	b.publish("1,a")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.site.Close()
	run := b.expect(register.OutcomeFailed, register.Counts{})
	if run.Class != register.ClassUnreachable || !strings.Contains(run.Reason, b.def.Fetch.URLs[0]) {
		t.Errorf("failed as %s: %s", run.Class, run.Reason)
	}
}

func TestPrivateAddressIsRefusedUnlessAllowed(t *testing.T) {
	b := newBench(t)
	b.publish("1,a")
	b.def.Fetch.AllowPrivate = false
	run := b.expect(register.OutcomeFailed, register.Counts{})
	if run.Class != register.ClassBlockedAddress || !strings.Contains(run.Reason, "allow_private") {
		t.Errorf("failed as %s: %s", run.Class, run.Reason)
	}
	if n := b.site.Requests("/list.csv"); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestEndedContextRecordsNothing(t *testing.T) {
	b := newBench(t)
	b.publish("1,a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := b.Run(ctx, b.def, b.due()); !errors.Is(err, context.Canceled) {
		t.Fatalf("err %v", err)
	}
	if runs := b.allRuns(); len(runs) != 0 {
		t.Errorf("%d runs were recorded", len(runs))
	}
}

func TestTickIsRunOnce(t *testing.T) {
	b := newBench(t)
	b.publish("1,a")
	due := b.due()
	if _, _, err := b.Run(t.Context(), b.def, due); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Run(t.Context(), b.def, due); !errors.Is(err, register.ErrAlreadyRun) {
		t.Errorf("the second run of a tick: %v", err)
	}
}

func (b *bench) allRuns() []register.Run {
	b.Helper()
	runs, err := b.store.Runs(b.Context(), register.RunFilter{})
	if err != nil {
		b.Fatal(err)
	}
	return runs
}

func sorted() cmp.Option { return cmpopts.SortSlices(func(a, b string) bool { return a < b }) }

// The bytes of the last complete fetch say the same again only if nothing else
// was seen in between: a page that was cut may have shown what they lack.
func TestOldBytesAfterACutPageAreReadAnew(t *testing.T) {
	b := newBench(t)
	many := []string{"1,a", "2,b", "3,c", "5,e", "6,f", "7,g", "8,h", "9,i"} // so that two are no flood
	b.publish(append(many, "4,d")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish(many...)
	b.expect(register.OutcomeUnchanged, register.Counts{}) // 4 is missing
	b.site.Publish("/list.csv", csvPage("id,name\n"+strings.Join(many, "\n")+"\n4,d\n10,j\n11,"))
	b.expect(register.OutcomeChanged, register.Counts{Added: 1}) // 4 is there, and 10 is new
	b.publish(many...)
	if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.Waiting != 2 {
		t.Errorf("%d entries are missing, want 4 and 10", run.Waiting)
	}
	b.expect(register.OutcomeChanged, register.Counts{Removed: 2})
}

// A register that keeps its delisted rows may take an entry off and list it
// again on one page.
func TestDelistedAndListedAgainOnOnePageIsRelisted(t *testing.T) {
	b := newBench(t)
	b.def.Fields = []register.Field{
		{Name: "number", From: []register.Source{{Name: "id"}}},
		{Name: "name", From: []register.Source{{Name: "name"}}},
		{Name: "listed_on", From: []register.Source{{Name: "from"}}},
		{Name: "delisted_on", From: []register.Source{{Name: "to"}}},
	}
	b.def.ListedWhile = `delisted_on == ""`
	page := func(rows string) { b.site.Publish("/list.csv", csvPage("id,name,from,to\n"+rows)) }
	page("1,a,2020-01-01,\n2,b,2020-01-01,\n")
	baseline := b.expect(register.OutcomeBaseline, register.Counts{})
	page("1,a,2020-01-01,2021-01-01\n1,a,2021-02-02,\n2,b,2020-01-01,\n")
	run, changes := b.run()
	if run.Counts != (register.Counts{Removed: 1, Relisted: 1}) || changes[0].Kind != register.Removed {
		t.Fatalf("%+v", run.Counts)
	}
	first := register.Period{From: baseline.ObservedAt, To: run.ObservedAt}
	if got := changes[1]; got.ListedOn != "2021-02-02" || len(got.EarlierPeriods) != 1 || got.EarlierPeriods[0] != first {
		t.Errorf("listed on %s, earlier %v; want %v", got.ListedOn, got.EarlierPeriods, first)
	}
	page("1,a,2020-01-01,2021-01-01\n1,a,2021-02-02,2022-02-02\n1,a,2023-03-03,\n2,b,2020-01-01,\n")
	again, changes := b.run()
	second := register.Period{From: run.ObservedAt, To: again.ObservedAt}
	if again.Counts != (register.Counts{Removed: 1, Relisted: 1}) || len(changes[1].EarlierPeriods) != 2 || changes[1].EarlierPeriods[1] != second {
		t.Errorf("%+v, earlier %v; want %v and %v", again.Counts, changes[1].EarlierPeriods, first, second)
	}
}
