package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v3"
)

var update = flag.Bool("update", false, "write docs/commands.md from the commands")

// contract is every command that people, programs and checks rely on.
const contract = `demo run registers add fetch extract compare import changes diff asof entry export runs approve reject
	pause resume deliveries redeliver replay subscriptions init version healthcheck doctor completion`

func testCommand(t *testing.T) *cli.Command {
	t.Helper()
	root := newCommand(&program{out: bufio.NewWriter(io.Discard), log: io.Discard, version: "test"})
	// The completion command is added when the program runs.
	if err := root.Run(t.Context(), []string{"regwatch", "version"}); err != nil {
		t.Fatal(err)
	}
	return root
}

// leaves gives the commands that do something, by their full names.
func leaves(root *cli.Command) map[string]*cli.Command {
	found := map[string]*cli.Command{}
	each(root, func(c *cli.Command) {
		if len(c.VisibleCommands()) == 0 && c.Name != "help" {
			found[c.FullName()] = c
		}
	})
	return found
}

func TestTheCommandsAreThoseOfTheContract(t *testing.T) {
	var names []string
	for _, c := range testCommand(t).VisibleCommands() {
		if c.Name != "help" {
			names = append(names, c.Name)
		}
	}
	want := strings.Fields(contract)
	slices.Sort(names)
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestEveryCommandHasAnExampleOfItself(t *testing.T) {
	for name, c := range leaves(testCommand(t)) {
		if strings.HasPrefix(name, "regwatch completion ") {
			continue // the library's; the command above them has the examples
		}
		_, examples := splitDescription(c)
		if c.Usage == "" || len(examples) == 0 {
			t.Errorf("%s: usage %q, %d examples", name, c.Usage, len(examples))
			continue
		}
		if name != "regwatch add" && !strings.Contains(strings.Join(examples, "\n"), c.Name) {
			t.Errorf("%s: no example shows it: %q", name, examples)
		}
	}
}

// TestExamplesAreRight runs the flags of every example through the parser.
func TestExamplesAreRight(t *testing.T) {
	examples := 0
	each(testCommand(t), func(c *cli.Command) {
		_, lines := splitDescription(c)
		for _, line := range lines {
			for call := range strings.SplitSeq(line, "&&") {
				call, _, _ = strings.Cut(call, " > ")
				if args := shellWords(call); len(args) > 1 && args[0] == "regwatch" && args[1] != "help" && args[1] != "completion" {
					examples++
					tryExample(t, args)
				}
			}
		}
	})
	if examples < 30 {
		t.Errorf("only %d examples were tried", examples)
	}
}

// tryExample parses an example and stops short of doing anything.
func tryExample(t *testing.T, args []string) {
	t.Helper()
	root := newCommand(&program{out: bufio.NewWriter(io.Discard), log: io.Discard})
	reached := false
	each(root, func(c *cli.Command) {
		if len(c.Commands) == 0 {
			c.Action = func(_ context.Context, _ *cli.Command) error { reached = true; return nil }
		}
	})
	if err := root.Run(t.Context(), args); err != nil || !reached {
		t.Errorf("%q: %v, reached %t", strings.Join(args, " "), err, reached)
	}
}

func shellWords(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

func splitDescription(c *cli.Command) (text string, examples []string) {
	text, after, found := strings.Cut(c.Description, "\n\nExample")
	if !found {
		return text, nil
	}
	_, lines, _ := strings.Cut(after, "\n")
	for line := range strings.Lines(lines) {
		examples = append(examples, strings.TrimSpace(line))
	}
	return text, examples
}

const docsFile = "../../docs/commands.md"

func TestDocsNameEveryCommand(t *testing.T) {
	want := docs(testCommand(t))
	if *update {
		if err := os.WriteFile(docsFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("docs/commands.md is not what the commands say; go test ./cmd/regwatch -update writes it:\n%s", diff)
	}
}

const docsPreamble = `# Commands

Written from the program itself by ` + "`go test ./cmd/regwatch -update`" + `; do not edit.

Results go to standard output, everything else to standard error: notes, progress (on a terminal only), logs and errors. An
error is one or more lines that begin with ` + "`regwatch:`" + ` and say what, where and what to do.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed; also when a definition or configuration file is broken, a run failed, or a check found something |
| 2 | wrong usage: an unknown command or flag, a missing or superfluous argument, a value that a flag can not take |

With ` + "`--json`" + ` a command that prints one thing prints one JSON object, and a command that prints several prints one object per
line, all of them unless ` + "`--limit`" + ` says less. Without it, tables are for people: long values are cut, and what could deceive a
reader or a terminal (control, invisible and direction characters) is shown as an escape such as ` + "`\\u202e`" + `. Times are shown in
UTC and given as a date (its first instant in UTC) or in RFC 3339. Flags may stand anywhere after the command; an argument that
begins with a dash stands after ` + "`--`" + `.

A change that was computed and not recorded, as ` + "`compare`" + ` and ` + "`diff`" + ` print it, has null for what only a record has: id, origin, run,
times and evidence. A duration, ` + "`took`" + `, is in nanoseconds.

`

// docs renders the reference of all commands.
func docs(root *cli.Command) string {
	var b strings.Builder
	b.WriteString(docsPreamble)
	fmt.Fprintf(&b, "    regwatch [--config FILE] [--data DIR] [--log-level LEVEL] COMMAND\n\n| flag | |\n|---|---|\n")
	docFlags(&b, root)
	for _, c := range root.VisibleCommands() {
		if c.Name == "help" {
			continue
		}
		docCommand(&b, c)
	}
	return b.String()
}

func docCommand(b *strings.Builder, c *cli.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", strings.TrimSpace(c.FullName()+" "+c.ArgsUsage), upperFirst(c.Usage))
	text, examples := splitDescription(c)
	if text = strings.TrimSpace(text); text != "" && c.Name != "completion" {
		fmt.Fprintf(b, "\n%s\n", text)
	}
	if len(examples) > 0 {
		b.WriteString("\n```sh\n" + strings.Join(examples, "\n") + "\n```\n")
	}
	if len(c.VisibleFlags()) > 1 { // more than --help
		b.WriteString("\n| flag | |\n|---|---|\n")
		docFlags(b, c)
	}
	if c.Name == "completion" {
		return
	}
	for _, sub := range c.VisibleCommands() {
		docCommand(b, sub)
	}
}

func docFlags(b *strings.Builder, c *cli.Command) {
	for _, f := range c.VisibleFlags() {
		if f.Names()[0] == "help" {
			continue
		}
		name, value, usage := "--"+f.Names()[0], "", f.(cli.DocGenerationFlag).GetUsage()
		if before, rest, ok := strings.Cut(usage, "`"); ok {
			var after string
			value, after, _ = strings.Cut(rest, "`")
			usage = before + value + after
		}
		required := ""
		if r, ok := f.(cli.RequiredFlag); ok && r.IsRequired() {
			required = " (required)"
		}
		fmt.Fprintf(b, "| `%s` | %s%s |\n", strings.TrimSpace(name+" "+value), strings.ReplaceAll(usage, "|", `\|`), required)
	}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
