// Command measure times whole commands against each other: it runs each of them
// in turn, several rounds, and prints a table of the medians of their wall time, the
// most memory that one of their processes had resident, and the ratio to the first.
//
//	go run ./bench/measure [-rounds N] NAME COMMAND [NAME COMMAND …]
//
// A command is given to sh. One that fails is named in the table, with its error.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 3, "how often each command is run")
	flag.Parse()
	if flag.NArg() == 0 || flag.NArg()%2 != 0 {
		flag.Usage()
		os.Exit(2)
	}
	var contenders []*contender
	for pair := range slices.Chunk(flag.Args(), 2) {
		contenders = append(contenders, &contender{name: pair[0], command: pair[1]})
	}
	for range *rounds {
		for _, c := range contenders {
			c.run()
		}
	}
	fmt.Println("| what | wall, s | least to most | peak memory, MB | times the first | prints |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, c := range contenders {
		fmt.Println(c.row(contenders[0]))
	}
}

// contender is one of the commands.
type contender struct {
	name, command string
	walls         []time.Duration
	peak          int64 // kilobytes
	output        string
	err           error
}

func (c *contender) run() {
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(context.Background(), "bash", "-c", c.command) //nolint:gosec // what the caller asked for
	command.Stdout, command.Stderr = &stdout, &stderr
	started := time.Now()
	err := command.Run()
	c.walls = append(c.walls, time.Since(started))
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = max(c.peak, usage.Maxrss)
	}
	c.output = lastLine(stdout.String())
	if err != nil {
		c.err = fmt.Errorf("%w: %s", err, lastLine(stderr.String()))
	}
}

func (c *contender) median() time.Duration {
	slices.Sort(c.walls)
	return c.walls[len(c.walls)/2]
}

func (c *contender) row(first *contender) string {
	if c.err != nil {
		return fmt.Sprintf("| %s | failed: %s | | | | |", c.name, c.err)
	}
	m := c.median()
	return fmt.Sprintf("| %s | %.3f | %.3f to %.3f | %d | %.1f | `%s` |", c.name, m.Seconds(), c.walls[0].Seconds(), c.walls[len(c.walls)-1].Seconds(),
		c.peak*1024/1_000_000, m.Seconds()/first.median().Seconds(), c.output)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	line := lines[len(lines)-1]
	return line[:min(len(line), 120)]
}
