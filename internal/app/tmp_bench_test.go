package app

import (
	"fmt"
	"net/http"
	"os"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

func TestTmpLarge(t *testing.T) {
	site, _ := testsite.Start()
	defer site.Close()
	v := "v1"
	site.Publish("/list.csv", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "/tmp/bench/p300k/"+v+".csv")
	}))
	def := register.Definition{ID: "xx-large", Schedule: register.Schedule{Cron: "0 0 1 1 *"}, Fetch: register.Fetch{URLs: []string{site.URL("/list.csv")}, AllowPrivate: true},
		Parse: register.Parse{Format: "csv"}, Key: []string{"id"}, Fields: []register.Field{
			{Name: "id"}, {Name: "ip"}, {Name: "domain", Type: "domain"}, {Name: "url"}, {Name: "authority"}, {Name: "decision"}, {Name: "date", Type: "date"}}}
	a := openApp(t)
	for i, name := range []string{"base", "change"} {
		f, _ := os.Create("/tmp/bench/" + name + ".prof")
		pprof.StartCPUProfile(f)
		start := time.Now()
		p := a.pipeline(a.scraper)
		var committed time.Duration
		p.Committed = func() { committed = time.Since(start) }
		run, _, err := p.Run(t.Context(), def, register.Due{Register: def.ID, Tick: time.Now().UTC().Add(time.Duration(i) * time.Hour), Trigger: register.TriggerManual})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(name, run.Outcome, run.Counts, "observed", run.ObservedAt.Sub(start), "judged", run.FinishedAt.Sub(start), "committed", committed, "all", time.Since(start))
		pprof.StopCPUProfile()
		v = "v2"
	}
}
