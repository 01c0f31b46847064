// Command testsite serves a scripted regulator on loopback, for people who want
// to see what regwatch makes of it: without an argument it lists the scenarios,
// with one it serves it, and each line on standard input is the next tick.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/regwatch/regwatch/internal/testsite"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return list(out)
	}
	script, err := testsite.Scenario(args[0])
	if err != nil {
		return err
	}
	site, err := script.Start()
	if err != nil {
		return err
	}
	defer func() { _ = site.Close() }()
	fmt.Fprintf(out, "%s\n%s\n", script.About, site.URL("/"))
	next := bufio.NewScanner(in)
	for i, tick := range script.Ticks {
		tick.Publish(site)
		fmt.Fprintf(out, "\ntick %d of %d; regwatch should say: %s\n", i+1, len(script.Ticks), tick.Want)
		for _, p := range tick.Pages {
			fmt.Fprintf(out, "  %s\n", site.URL(p.Path))
		}
		fmt.Fprint(out, "Enter for the next one. ")
		if !next.Scan() {
			return next.Err()
		}
	}
	return nil
}

func list(out io.Writer) error {
	for _, name := range testsite.Scenarios() {
		script, err := testsite.Scenario(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-28s %s\n", name, script.About)
	}
	return nil
}
