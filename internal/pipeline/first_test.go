package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// concludedStore notes whether a commit was concluded.
type concludedStore struct {
	pipeline.Commits
	concluded *bool
}

func (s concludedStore) Commit(ctx context.Context, c register.Commit) (register.Run, []register.Change, error) {
	if conclude := c.Conclude; conclude != nil {
		c.Conclude = func(c *register.Commit) error { *s.concluded = true; return conclude(c) }
	}
	return s.Commits.Commit(ctx, c)
}

// TestFirstFetchAtOnceAndTwice makes first fetches in both ways: read twice, as small
// ones are, and read once into a commit, as large ones are. Both record the same.
func TestFirstFetchAtOnceAndTwice(t *testing.T) {
	whole := "id,name,reason\n1,One,\n2,Two,because\n2,Two,because\n3,Three,\n"
	for name, test := range map[string]struct {
		page    string
		outcome register.Outcome
		change  func(*register.Definition)
	}{
		"whole":                    {whole, register.OutcomeBaseline, nil},
		"no rows":                  {"id,name,reason\n", register.OutcomeFailed, nil},
		"a web page":               {"<html><title>Maintenance</title></html>", register.OutcomeFailed, nil},
		"another header":           {"number,title\n1,One\n", register.OutcomeFailed, nil},
		"a row that is too wide":   {whole + "4,Four,x,y\n", register.OutcomeBaseline, nil},
		"fewer than there must be": {whole, register.OutcomeFailed, func(d *register.Definition) { d.Expect.Entries.Min = new(1000) }},
		"it ends in a quote":       {whole + "4,\"Fo", register.OutcomeFailed, nil},
		"it ends in a row":         {whole + "4,Four", register.OutcomeFailed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			twice, once := newBench(t), newIndexBench(t)
			var runs []register.Run
			var heads []register.Head
			for i, b := range []*bench{twice, once} {
				concluded := false
				b.Commits = concludedStore{b.Commits, &concluded}
				if test.change != nil {
					test.change(&b.def)
				}
				b.site.Publish("/list.csv", testsite.Plain("text/csv", []byte(test.page)))
				run, changes := b.run()
				if len(changes) > 0 {
					t.Errorf("%d changes", len(changes))
				}
				head, err := b.store.Head(t.Context(), b.def.ID)
				if err != nil {
					t.Fatal(err)
				}
				if got := len(b.head()); run.Outcome != test.outcome || got != run.Entries || test.outcome == register.OutcomeFailed && got > 0 {
					t.Errorf("%s (%s) with %d entries, of which %d are in the head; want %s", run.Outcome, run.Reason, run.Entries, got, test.outcome)
				}
				if want := i == 1; concluded != want {
					t.Errorf("it was read into its commit: %v, want %v", concluded, want)
				}
				if concluded = false; test.outcome == register.OutcomeFailed {
					if again, _ := b.run(); again.Outcome != register.OutcomeFailed || concluded {
						t.Errorf("what was not whole the last time is %s, and was read into its commit: %v", again.Outcome, concluded)
					}
				}
				for i := range run.Pages {
					run.Pages[i].URL = ""
				}
				run.Reason, run.Source.URL = strings.ReplaceAll(run.Reason, b.site.URL(""), ""), ""
				runs, heads = append(runs, run), append(heads, head)
			}
			moments := cmp.Options{
				cmpopts.IgnoreTypes(time.Time{}, time.Duration(0)), cmpopts.IgnoreFields(register.Page{}, "ResponseHeader"),
				cmpopts.IgnoreFields(register.Memory{}, "Index"), cmpopts.IgnoreFields(register.Validators{}, "URL"), cmpopts.IgnoreFields(register.Failing{}, "Reason"),
			}
			if diff := cmp.Diff(runs[0], runs[1], moments); diff != "" {
				t.Errorf("run (-twice +once)\n%s", diff)
			}
			if diff := cmp.Diff(heads[0], heads[1], moments); diff != "" {
				t.Errorf("head (-twice +once)\n%s", diff)
			}
			if diff := cmp.Diff(twice.head(), once.head(), sorted()); diff != "" {
				t.Errorf("entries (-twice +once)\n%s", diff)
			}
			if diff := cmp.Diff(len(twice.signals()), len(once.signals())); diff != "" {
				t.Errorf("signals (-twice +once)\n%s", diff)
			}
		})
	}
}
