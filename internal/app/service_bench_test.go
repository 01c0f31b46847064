package app

import (
	"slices"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/testsite"
)

// BenchmarkPageToWebhook changes a small register and reports the time from the
// last byte of its page to the arrival of the webhook, through the whole service.
func BenchmarkPageToWebhook(b *testing.B) {
	site, err := testsite.Start()
	if err != nil {
		b.Fatal(err)
	}
	defer site.Close()
	hook := newInbox()
	site.Publish("/hook", hook)
	site.Publish("/list.csv", smallPage(numbered(0, 50, "site")...))
	def := smallRegister(site.URL("/list.csv"))
	r := startService(b, openWith(b, serviceConfig(b, site.URL("/hook")), watching(def)))
	r.nextRun(b)
	var latencies []time.Duration
	for i := 0; b.Loop(); i++ {
		site.Publish("/list.csv", smallPage(numbered(0, 51+i, "site")...))
		run := r.due(b, def.ID)
		events := hook.wait(b, i+1)
		latencies = append(latencies, events[len(events)-1].at.Sub(run.ObservedAt))
	}
	slices.Sort(latencies)
	b.ReportMetric(milliseconds(latencies[len(latencies)/2]), "ms/median")
	b.ReportMetric(milliseconds(latencies[len(latencies)-1]), "ms/worst")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
