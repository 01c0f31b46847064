// Command service measures the whole service on a large register: it publishes the
// versions that bench/gen wrote, runs `regwatch run` on them, and receives the
// webhooks.
//
//	go run ./bench/service [-parallel N] REGWATCH DIR [NAME COMMAND]...
//
// N is how many webhooks may be under way at once; by default one. The commands are
// timed in the same run, in turn with the changes: how quick this machine is now.
//
// It prints one JSON object: seconds from the last byte of the first version until
// its run is recorded; of each later version from its last byte to the first webhook
// and to the last, and their medians; the most memory that the service had resident in
// each phase (VmHWM, in megabytes); and of each command the median of its seconds.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

func main() {
	parallel := flag.Int("parallel", 1, "webhooks under way at once")
	flag.Parse()
	if flag.NArg() < 2 || flag.NArg()%2 != 0 {
		fmt.Fprintln(os.Stderr, "usage: service [-parallel N] REGWATCH DIR [NAME COMMAND]...")
		os.Exit(2)
	}
	result, err := measure(flag.Arg(0), flag.Arg(1), *parallel, flag.Args()[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(result)
}

// Result is what was measured.
type Result struct {
	Baseline     float64            `json:"baseline_s"`
	BaselineRead float64            `json:"baseline_proved_s"` // of it, until it was proved whole
	BaselineMB   int                `json:"baseline_mb"`
	UnchangedMB  int                `json:"unchanged_mb"`
	IdleMB       int                `json:"idle_mb"`
	Webhooks     int                `json:"webhooks"` // of each change
	FirstWebhook float64            `json:"first_webhook_s"`
	LastWebhook  float64            `json:"last_webhook_s"`
	Changes      []Change           `json:"changes"`
	Beside       map[string]float64 `json:"beside_s,omitempty"`
}

// Change is one of the changes.
type Change struct {
	Received     float64 `json:"received_s"` // until the body was in the archive, synced
	Judged       float64 `json:"judged_s"`   // until what differs was judged
	FirstWebhook float64 `json:"first_webhook_s"`
	LastWebhook  float64 `json:"last_webhook_s"`
	MB           int     `json:"mb"`
}

const definition = `id: ru-large
title: A large register
authority: {name: Authority, country: RU}
schedule: {cron: "@every 1m"}
fetch: {url: "%s/list.csv", max_bytes: 2GB, allow_private: true}
parse: {format: csv}
fields:
  number: {from: id}
  ip: {from: ip}
  domain: {from: domain, type: domain}
  url: {from: url}
  authority: {from: authority}
  decision: {from: decision}
  listed_on: {from: date, type: date}
key: [number]
`

const configuration = `data: %s
registers: [./large.yaml]
subscriptions: [{name: all, registers: ["*"], to: [hook]}]
channels: {hook: {type: webhook, url: "%s/hook", secret: env:BENCH_SECRET, allow_private: true, parallel: %d}}
http: {listen: "127.0.0.1:0"}
`

func measure(program, dir string, parallel int, beside []string) (r Result, err error) {
	work, err := os.MkdirTemp("", "regwatch-bench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(work)
	o := &outside{arrived: make(chan struct{}, 1<<20), served: make(chan served, 100)}
	o.published.L = &o.mu
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	server := &http.Server{Handler: o, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	hook, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	go o.receive(hook)
	defer func() { _ = hook.Close() }()
	base := "http://" + listener.Addr().String()
	files := map[string]string{
		"large.yaml":    fmt.Sprintf(definition, base),
		"regwatch.yaml": fmt.Sprintf(configuration, filepath.Join(work, "data"), "http://"+hook.Addr().String(), parallel),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			return r, err
		}
	}
	told, end := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // the service ends with it
	defer end()
	ctx, cancel := context.WithTimeout(told, 30*time.Minute)
	defer cancel()
	s := &service{program: program, config: filepath.Join(work, "regwatch.yaml"), ended: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		return r, err
	}
	defer s.stop()
	s.idle(time.Second)
	r.IdleMB = s.peak()

	first := filepath.Join(dir, "v1.csv")
	o.publish(first)
	sent, err := o.sent(ctx, first)
	if err != nil {
		return r, err
	}
	run, err := s.run(ctx, 1)
	if err != nil {
		return r, err
	}
	r.Baseline, r.BaselineMB = time.Since(sent).Seconds(), s.peak()
	r.BaselineRead = run.FinishedAt.Sub(sent).Seconds()
	o.drain()
	s.peak()
	if _, err := o.sent(ctx, first); err != nil { // one that finds it unchanged
		return r, err
	}
	s.rest()
	r.UnchangedMB = s.peak()
	var expected struct{ Added, Modified int }
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err == nil {
		err = json.Unmarshal(text, &expected)
	}
	if err != nil {
		return r, err
	}
	r.Webhooks = expected.Added + expected.Modified
	times := map[string][]float64{}
	for version := 2; ; version++ {
		path := filepath.Join(dir, fmt.Sprintf("v%d.csv", version))
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && version > 2 {
			break
		}
		c, err := change(ctx, s, o, path, r.Webhooks)
		if err != nil {
			return r, fmt.Errorf("version %d: %w", version, err)
		}
		r.Changes = append(r.Changes, c)
		for i := 0; i < len(beside); i += 2 {
			began := time.Now()
			if out, err := exec.CommandContext(ctx, "sh", "-c", beside[i+1]).CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "service: %s: %v: %s\n", beside[i], err, out)
				continue
			}
			times[beside[i]] = append(times[beside[i]], time.Since(began).Seconds())
		}
	}
	r.FirstWebhook = median(r.Changes, func(c Change) float64 { return c.FirstWebhook })
	r.LastWebhook = median(r.Changes, func(c Change) float64 { return c.LastWebhook })
	r.Beside = map[string]float64{}
	for name, seconds := range times {
		r.Beside[name] = median(seconds, func(s float64) float64 { return s })
	}
	return r, nil
}

// change publishes a version, and waits until all is told that is new about it. After
// that the site has nothing to show until the next: a second look would confirm removals.
func change(ctx context.Context, s *service, o *outside, path string, webhooks int) (c Change, err error) {
	before, err := s.runs(ctx)
	if err != nil {
		return c, err
	}
	if early := len(o.arrived); early > 0 {
		return c, fmt.Errorf("%d webhooks before it was published", early)
	}
	o.publish(path)
	sent, err := o.sent(ctx, path)
	if err != nil {
		return c, err
	}
	for i := range webhooks {
		select {
		case <-o.arrived:
		case <-ctx.Done():
			return c, fmt.Errorf("%d of %d webhooks arrived", i, webhooks)
		}
		if i == 0 {
			c.FirstWebhook = time.Since(sent).Seconds()
		}
	}
	c.LastWebhook = time.Since(sent).Seconds()
	o.publish("")
	run, err := s.run(ctx, len(before)+1)
	if err != nil {
		return c, err
	}
	c.Received, c.Judged = run.ObservedAt.Sub(sent).Seconds(), run.FinishedAt.Sub(sent).Seconds()
	s.rest()
	c.MB = s.peak()
	if more := len(o.arrived); more > 0 {
		return c, fmt.Errorf("%d webhooks more than %d", more, webhooks)
	}
	return c, nil
}

func median[T any](values []T, of func(T) float64) float64 {
	seconds := make([]float64, len(values))
	for i, v := range values {
		seconds[i] = of(v)
	}
	slices.Sort(seconds)
	return seconds[len(seconds)/2]
}
