package app

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// BenchmarkCommitToWebhooks commits 2,000 changes of one register and reports the
// time from the end of the commit to the arrival of the first webhook and of the
// last one, through relay, stream, router and sender.
func BenchmarkCommitToWebhooks(b *testing.B) {
	for _, parallel := range []int{1, 4} {
		b.Run(fmt.Sprintf("parallel=%d", parallel), func(b *testing.B) { commitToWebhooks(b, parallel) })
	}
}

func commitToWebhooks(b *testing.B, parallel int) {
	const changes = 2000
	site, err := testsite.Start()
	if err != nil {
		b.Fatal(err)
	}
	defer site.Close()
	hook := &counter{}
	site.Publish("/hook", hook)
	site.Publish("/list.csv", smallPage(numbered(0, 50, "site")...))
	def := smallRegister(site.URL("/list.csv"))
	cfg := serviceConfig(b, site.URL("/hook"))
	cfg.Channels[0].Settings["parallel"] = parallel
	r := startService(b, openWith(b, cfg, watching(def)))
	run := r.nextRun(b)
	var first, last []time.Duration
	for i := 0; b.Loop(); i++ {
		done := hook.await(changes)
		committed := commitAdded(b, r, run, i*changes, changes)
		select {
		case <-done:
		case <-time.After(time.Minute):
			b.Fatalf("%d webhooks have not arrived", changes)
		}
		first, last = append(first, hook.first.Sub(committed)), append(last, hook.last.Sub(committed))
	}
	slices.Sort(first)
	slices.Sort(last)
	b.ReportMetric(milliseconds(first[len(first)/2]), "ms/first")
	b.ReportMetric(milliseconds(first[len(first)-1]), "ms/first-worst")
	b.ReportMetric(milliseconds(last[len(last)/2]), "ms/last")
	b.ReportMetric(milliseconds(last[len(last)-1]), "ms/last-worst")
}

// counter is a webhook endpoint that does nearly nothing, so that the service is
// what is measured.
type counter struct {
	mu          sync.Mutex
	left        int
	first, last time.Time
	done        chan struct{}
}

// await begins to count; the channel is closed when so many have arrived.
func (c *counter) await(n int) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left, c.first, c.done = n, time.Time{}, make(chan struct{})
	return c.done
}

func (c *counter) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = time.Now()
	if c.first.IsZero() {
		c.first = c.last
	}
	if c.left--; c.left == 0 {
		close(c.done)
	}
}

// commitAdded commits new entries as a run does, and gives the instant at which
// they were committed.
func commitAdded(t testing.TB, r *running, run register.Run, from, n int) time.Time {
	t.Helper()
	head, err := r.Store.Head(t.Context(), run.Register)
	if err != nil {
		t.Fatal(err)
	}
	run.ID, run.Tick, run.Outcome = 0, time.Now().UTC(), register.OutcomeChanged
	commit := register.Commit{Run: run, HeadVersion: head.Version}
	for i := range n {
		fields := register.Values{
			{Name: "number", Text: fmt.Sprint(1_000_000 + from + i)},
			{Name: "name", Text: fmt.Sprintf("Company number %d, limited", i)},
			{Name: "category", Text: "site"},
		}
		entry := register.Entry{Key: register.NewKey(fields[0].Text), Fields: fields, Content: register.ContentHash(fields)}
		commit.Accepted = append(commit.Accepted, register.Accepted{Kind: register.Added, After: &entry})
	}
	if _, _, err := r.Store.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	committed := time.Now()
	r.relay.Wake()
	return committed
}
