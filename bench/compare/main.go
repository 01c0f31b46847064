// Command allocations runs the benchmarks of the stages that a fetch goes through
// and compares what they allocate with bench/allocations.txt. More than a third
// above the baseline is an error: times differ from machine to machine, and
// allocations do not.
//
//	go run ./bench/compare            # compare
//	go run ./bench/compare -update    # write the baseline anew
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	baseline = "bench/allocations.txt"
	most     = 1.30 // times the baseline
	slack    = 64   // allocations, or kilobytes, that are no matter
)

// stages are where a benchmark's name is looked for, by what it measures.
var stages = []struct{ name, folder, pattern string }{
	{"read", "./scraper", "ReadCSV|ReadJSON|ReadXML|ReadText"},
	{"hash", "./scraper", "ReadByRows|Differing"},
	{"index", "./differ/index", "."},
	{"diff", "./differ", "Diff"},
	{"commit", "./internal/store/sqlite", "Baseline/20000$|Commit27"},
	{"publish", "./internal/bus", "Publish"},
}

func main() {
	update := flag.Bool("update", false, "write the baseline anew")
	flag.Parse()
	measured, err := measure()
	if err == nil && *update {
		err = os.WriteFile(baseline, write(measured), 0o644) //nolint:gosec // for everybody
	} else if err == nil {
		err = compare(measured)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "allocations:", err)
		os.Exit(1)
	}
}

// taken is what one operation of a benchmark allocates.
type taken struct{ bytes, allocations int64 }

var line = regexp.MustCompile(`^(Benchmark\S+?)(?:-\d+)?\s.*?\s(\d+) B/op\s+(\d+) allocs/op`)

func measure() (map[string]taken, error) {
	measured := map[string]taken{}
	for _, stage := range stages {
		command := exec.CommandContext(context.Background(), "go", "test", "-run", "^$", "-bench", stage.pattern, "-benchmem", "-benchtime", "4x", stage.folder) //nolint:gosec // ours
		command.Stderr = os.Stderr
		output, err := command.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, output)
		}
		for lines := bufio.NewScanner(bytes.NewReader(output)); lines.Scan(); {
			if match := line.FindStringSubmatch(lines.Text()); match != nil {
				size, _ := strconv.ParseInt(match[2], 10, 64)
				count, _ := strconv.ParseInt(match[3], 10, 64)
				measured[stage.name+" "+match[1]] = taken{size, count}
			}
		}
	}
	return measured, nil
}

func write(measured map[string]taken) []byte {
	var b bytes.Buffer
	b.WriteString("# stage benchmark bytes/op allocations/op; see bench/compare\n")
	for _, name := range sorted(measured) {
		fmt.Fprintf(&b, "%s %d %d\n", name, measured[name].bytes, measured[name].allocations)
	}
	return b.Bytes()
}

func compare(measured map[string]taken) error {
	text, err := os.ReadFile(baseline)
	if err != nil {
		return err
	}
	var wrong []string
	for row := range strings.Lines(string(text)) {
		fields := strings.Fields(row)
		if len(fields) != 4 || fields[0] == "#" {
			continue
		}
		name := fields[0] + " " + fields[1]
		size, _ := strconv.ParseInt(fields[2], 10, 64)
		count, _ := strconv.ParseInt(fields[3], 10, 64)
		now, found := measured[name]
		switch {
		case !found:
			wrong = append(wrong, name+" is in "+baseline+" and was not measured")
		case now.allocations > limit(count, slack) || now.bytes > limit(size, slack<<10):
			wrong = append(wrong, fmt.Sprintf("%s: %d bytes and %d allocations, the baseline has %d and %d", name, now.bytes, now.allocations, size, count))
		}
		fmt.Printf("%-50s %12d bytes %9d allocations (%+.0f %%, %+.0f %%)\n", name, now.bytes, now.allocations, more(now.bytes, size), more(now.allocations, count))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("more than before:\n%s", strings.Join(wrong, "\n"))
	}
	return nil
}

func limit(before, slack int64) int64 { return int64(most*float64(before)) + slack }

func more(now, before int64) float64 {
	if before == 0 {
		return 0
	}
	return 100 * (float64(now)/float64(before) - 1)
}

func sorted(measured map[string]taken) []string {
	var names []string
	for name := range measured {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
