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
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
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

// outside is the authority's web site and the receiver.
type outside struct {
	mu        sync.Mutex
	published sync.Cond
	body      string // path; empty: who asks has to wait
	arrived   chan struct{}
	served    chan served
}

// served is a body whose last byte was written.
type served struct {
	path string
	at   time.Time
}

func (o *outside) publish(path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.body = path
	o.published.Broadcast()
}

// sent waits until a body was served.
func (o *outside) sent(ctx context.Context, path string) (time.Time, error) {
	for {
		select {
		case s := <-o.served:
			if s.path == path {
				return s.at, nil
			}
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("nobody fetched %s", path)
		}
	}
}

func (o *outside) drain() {
	for len(o.served) > 0 {
		<-o.served
	}
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/list.csv" {
		http.NotFound(w, r)
		return
	}
	o.mu.Lock()
	for o.body == "" {
		o.published.Wait()
	}
	path := o.body
	o.mu.Unlock()
	file, err := os.Open(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	info, _ := file.Stat()
	w.Header().Set("Content-Type", "text/csv")
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	if _, err := io.Copy(w, file); err == nil {
		o.served <- served{path, time.Now()}
	}
}

// receive takes webhooks. A receiver is on another machine; this one shares the
// processors with what is measured, and takes little of them: 0.14 s for 2,000 requests
// where net/http's server takes 0.22 to 0.24.
func (o *outside) receive(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			reader := bufio.NewReader(conn)
			for {
				request, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				if _, err := io.Copy(io.Discard, request.Body); err != nil {
					return
				}
				o.arrived <- struct{}{}
				if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
					return
				}
			}
		}()
	}
}

// service is `regwatch run`.
type service struct {
	program string
	config  string
	command *exec.Cmd
	ended   chan struct{}
}

func (s *service) start(ctx context.Context) error {
	s.command = exec.CommandContext(ctx, s.program, "--config", s.config, "--log-level", "warn", "run")
	s.command.Env = append(os.Environ(), "BENCH_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	s.command.Stderr = os.Stderr
	if err := s.command.Start(); err != nil {
		return err
	}
	go func() {
		if err := s.command.Wait(); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "service: regwatch ended:", err)
			os.Exit(1)
		}
		close(s.ended)
	}()
	return nil
}

func (s *service) stop() {
	_ = s.command.Process.Signal(os.Interrupt)
	<-s.ended
}

func (s *service) idle(d time.Duration) { time.Sleep(d) }

// rest waits until the service has nothing to do in the background.
func (s *service) rest() {
	for calm, before := 0, s.ticks(); calm < 4; {
		time.Sleep(time.Second)
		now := s.ticks()
		if calm++; now-before > 5 {
			calm = 0
		}
		before = now
	}
}

// ticks is the processor time that the service has taken, in hundredths of a
// second.
func (s *service) ticks() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.command.Process.Pid))
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return user + system
}

// peak gives the most memory that was resident since the last call, in megabytes.
func (s *service) peak() int {
	proc := fmt.Sprintf("/proc/%d/", s.command.Process.Pid)
	file, err := os.Open(proc + "status")
	if err != nil {
		return 0
	}
	defer file.Close()
	kilobytes := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kilobytes, _ = strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")))
		}
	}
	_ = os.WriteFile(proc+"clear_refs", []byte("5"), 0) //nolint:gosec // the kernel's
	return kilobytes / 1000
}

type run struct {
	Outcome    string    `json:"outcome"`
	ObservedAt time.Time `json:"observed_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// run waits for so many runs that did not fail, and gives the newest.
func (s *service) run(ctx context.Context, least int) (run, error) {
	for {
		found, err := s.runs(ctx)
		if err != nil {
			return run{}, err
		}
		if len(found) >= least {
			return found[0], nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// runs gives the runs that did not fail, the newest first.
func (s *service) runs(ctx context.Context) (found []run, err error) {
	text, err := exec.CommandContext(ctx, s.program, "--config", s.config, "runs", "--register", "ru-large", "--json").Output()
	if err != nil && ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	for line := range strings.Lines(string(text)) {
		var r run
		if json.Unmarshal([]byte(line), &r) == nil && r.Outcome != "failed" {
			found = append(found, r)
		}
	}
	return found, nil
}
