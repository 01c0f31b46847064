package app

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/adversary"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// serviceWorld is the whole service: a web site that breaks, a due message over
// NATS, the archive, the store, the stream and a webhook.
type serviceWorld struct {
	t       *testing.T
	site    *testsite.Site
	hook    *inbox
	def     register.Definition
	app     *App
	service *running // nil before the first page stands
}

func newServiceWorld(t *testing.T, g adversary.Register) *serviceWorld {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	w := &serviceWorld{t: t, site: site, hook: newInbox(), def: g.Definition()}
	t.Cleanup(func() { site.Close() })
	w.def.Schedule.Cron, w.def.Fetch.AllowPrivate = "0 0 1 1 *", true
	for i := range g.Pages {
		w.def.Fetch.URLs = append(w.def.Fetch.URLs, site.URL(listPath(i)))
	}
	site.Publish("/hook", w.hook)
	w.app = openWith(t, serviceConfig(t, site.URL("/hook")), watching(w.def))
	return w
}

func listPath(i int) string { return fmt.Sprintf("/list/%d", i) }

// Fetch publishes the page and makes the register due.
func (w *serviceWorld) Fetch(tick time.Time, page adversary.Page) (register.Run, []register.Change, error) {
	for i, body := range page.Bodies {
		w.site.Publish(listPath(i), answer(page, body, page.CutAt[i]))
	}
	var run register.Run
	if w.service == nil { // a register that was never run is due at once
		w.service = startService(w.t, w.app)
		run = w.service.nextRun(w.t)
	} else {
		due := register.Due{Register: w.def.ID, Tick: tick, Trigger: register.TriggerSchedule, Interval: adversary.Between}
		if err := w.service.bus.PublishDue(w.t.Context(), due); err != nil {
			return run, nil, err
		}
		run = w.service.nextRun(w.t)
	}
	changes, err := w.changes(run.ID)
	return run, changes, err
}

func answer(page adversary.Page, body []byte, cutAt int) http.Handler {
	switch {
	case page.Down:
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	case page.Status != http.StatusOK:
		return testsite.Status(page.Status, page.ContentType, body)
	case cutAt >= 0:
		return testsite.Cut(page.ContentType, body, cutAt)
	}
	return testsite.File(page.ContentType, body, time.Time{})
}

func (w *serviceWorld) changes(run register.RunID) (changes []register.Change, err error) {
	err = w.app.Store.Changes(w.t.Context(), register.ChangeFilter{Run: run}, func(c register.Change) error {
		changes = append(changes, c)
		return nil
	})
	return changes, err
}

func (w *serviceWorld) Approve(id register.RunID) (register.Run, []register.Change, error) {
	return w.app.Approve(w.t.Context(), id)
}

func (w *serviceWorld) Reject(id register.RunID) (register.Run, error) {
	return w.app.Reject(w.t.Context(), id)
}

func (w *serviceWorld) Head() (head register.Head, entries []register.Entry, err error) {
	if head, err = w.app.Store.Head(w.t.Context(), w.def.ID); err == nil {
		entries, err = w.app.Store.HeadEntries(w.t.Context(), w.def.ID)
	}
	return head, entries, err
}

// Signals asks nobody: who is told what is another test's matter.
func (w *serviceWorld) Signals() ([]register.Signal, error) { return nil, nil }

// TestAdversaryOfTheWholeService plays stories of [adversary] to the whole
// service, one for every fifty that the pipeline alone is played.
func TestAdversaryOfTheWholeService(t *testing.T) {
	seeds := 2
	if n, err := strconv.Atoi(os.Getenv("REGWATCH_SEEDS")); err == nil {
		seeds = max(1, n/50)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			story := adversary.NewStory(uint64(seed), 200)
			story.Timeless = true
			w := newServiceWorld(t, story.Register)
			told, err := story.Play(w)
			if err != nil {
				t.Fatalf("%+v:\n%s\n%v", story.Register, strings.Join(told, "\n"), err)
			}
			n := countChanges(t, w.app)
			if repeats := inSequence(t, w.hook.wait(t, n)); repeats != 0 {
				t.Errorf("%d repeats although nothing was killed", repeats)
			}
		})
	}
}
