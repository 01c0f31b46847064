package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

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
