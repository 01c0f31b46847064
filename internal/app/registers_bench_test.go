package app

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/register"
)

// BenchmarkThousandRegisters has a thousand registers of 200 entries on 50 hosts
// due in the same moment, half of them changed, and reports the seconds until all
// are recorded, through the whole service: as slowly as it asks each host, where
// 20 pages of one take at least 17 seconds, and as fast as it could. Either is to
// be less than a minute.
func BenchmarkThousandRegisters(b *testing.B) {
	b.Run("polite", func(b *testing.B) { benchmarkRegisters(b, 1000, 50, 0) })
	b.Run("fast", func(b *testing.B) { benchmarkRegisters(b, 1000, 50, 10_000) })
}

func benchmarkRegisters(b *testing.B, registers, hosts int, hostRate float64) {
	var version atomic.Int64
	addresses := loopbackHosts(b, hosts, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/list/"), ".csv"))
		if err != nil {
			http.NotFound(w, r) // robots.txt
			return
		}
		n := 200
		if number%2 == 0 {
			n += int(version.Load())
		}
		smallPage(numbered(0, n, "site")...).ServeHTTP(w, r)
	}))
	var defs []register.Definition
	for i := range registers {
		def := smallRegister(fmt.Sprintf("http://%s/list/%d.csv", addresses[i%hosts], i))
		def.ID = fmt.Sprintf("xx-small-%d", i)
		defs = append(defs, def)
	}
	cfg := config.Default()
	cfg.Data, cfg.HTTP.Listen, cfg.Log.Level = b.TempDir(), "127.0.0.1:0", "error"
	a, err := open(b.Context(), Options{Version: "test", Stderr: b.Output(), hostRate: hostRate}, cfg, watching(defs...))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close() })
	r := startService(b, a)
	for range registers { // the baselines
		r.nextRun(b)
	}
	b.ResetTimer()
	for b.Loop() {
		version.Add(1)
		begin, tick := time.Now(), time.Now().UTC()
		var due sync.WaitGroup
		for _, def := range defs {
			due.Go(func() {
				if err := r.bus.PublishDue(b.Context(), register.Due{Register: def.ID, Tick: tick, Trigger: register.TriggerSchedule}); err != nil {
					b.Error(err)
				}
			})
		}
		outcomes := map[register.Outcome]int{}
		for range registers {
			outcomes[r.nextRun(b).Outcome]++
		}
		due.Wait()
		b.ReportMetric(time.Since(begin).Seconds(), "s/all")
		if outcomes[register.OutcomeChanged] != registers/2 || outcomes[register.OutcomeUnchanged] != registers/2 {
			b.Fatalf("outcomes %v, want half and half", outcomes)
		}
	}
}

// loopbackHosts serves the same on so many addresses 127.0.x.y, each a host of its
// own.
func loopbackHosts(b *testing.B, n int, handler http.Handler) (addresses []string) {
	b.Helper()
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	b.Cleanup(func() { _ = server.Close() })
	for i := range n {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.%d.%d:0", 1+i/250, 1+i%250))
		if err != nil {
			b.Fatal(err)
		}
		addresses = append(addresses, listener.Addr().String())
		go func() { _ = server.Serve(listener) }()
	}
	return addresses
}
