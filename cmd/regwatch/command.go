package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/register"
)

// newCommand gives the whole command line.
func newCommand(p *program) *cli.Command {
	root := &cli.Command{
		Name:  "regwatch",
		Usage: "watches public registers kept by regulators and tells of every change",
		Description: describe(`Fetches each register on a schedule, finds the entries that were newly listed, delisted, amended or
listed again, keeps the whole history, and tells people and programs about every change.

Results go to standard output, everything else to standard error. Exit code: 0 done, 1 failed, 2 wrong usage.
A time is given as a date (its first instant in UTC) or in RFC 3339, and shown in UTC.`,
			"regwatch demo",
			"regwatch init && regwatch run",
			"regwatch help changes",
			"source <(regwatch completion bash)"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "configuration `FILE`; else REGWATCH_CONFIG, else regwatch.yaml of the data directory", TakesFile: true},
			&cli.StringFlag{Name: "data", Usage: "data directory `DIR`; else REGWATCH_DATA, else the configuration's, else the platform's", TakesFile: true},
			&cli.StringFlag{Name: "log-level", Usage: "least `LEVEL` that is logged: debug, info, warn or error", Validator: logLevel},
		},
		Commands: []*cli.Command{
			demoCommand(p), initCommand(p), runCommand(p),
			registersCommand(p), addCommand(), fetchCommand(p), pauseCommand(p), resumeCommand(p),
			extractCommand(p), compareCommand(p), importCommand(p),
			changesCommand(p), diffCommand(p), asofCommand(p), entryCommand(p), exportCommand(p),
			runsCommand(p), approveCommand(p), rejectCommand(p),
			subscriptionsCommand(p), deliveriesCommand(p), redeliverCommand(p), replayCommand(p),
			doctorCommand(p), healthcheckCommand(p), versionCommand(p),
		},
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden, c.Category = false, groupService
			c.Usage = "prints a completion script for bash, zsh, fish or pwsh"
			c.Description = describe("Prints a script that completes commands and flags. Source it in your shell; bash needs its package bash-completion.",
				"source <(regwatch completion bash)",
				"regwatch completion fish > ~/.config/fish/completions/regwatch.fish")
			c.Action = missingSubcommand
		},
		Writer: p.out, ErrWriter: p.log,
		// Errors are reported once, by main, which also gives the exit code.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
		Action:         missingSubcommand,
	}
	each(root, func(c *cli.Command) {
		c.OnUsageError = usageErrorOf
		c.HideHelpCommand = c != root // else an argument `help` would not be one
	})
	return root
}

// logLevel refuses what no logger takes.
func logLevel(text string) error {
	if slices.Contains([]string{"debug", "info", "warn", "error"}, strings.ToLower(text)) {
		return nil
	}
	return errors.New("want debug, info, warn or error")
}

// Groups of commands in the help.
const (
	groupBegin    = "begin"
	groupRegister = "registers"
	groupFiles    = "saved files"
	groupHistory  = "history"
	groupTelling  = "who was told"
	groupService  = "the service"
)

// each calls f for a command and all below it.
func each(cmd *cli.Command, f func(*cli.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands {
		each(sub, f)
	}
}

// describe puts examples under a command's description.
func describe(text string, examples ...string) string {
	heading := "\n\nExample:\n"
	if len(examples) > 1 {
		heading = "\n\nExamples:\n"
	}
	return text + heading + "  " + strings.Join(examples, "\n  ")
}

// missingSubcommand is the action of a command that only has others below it.
func missingSubcommand(_ context.Context, cmd *cli.Command) error {
	var names []string
	for _, sub := range cmd.VisibleCommands() {
		names = append(names, sub.Name)
	}
	called := cmd.FullName()
	if !cmd.Args().Present() {
		return usage("`%s` needs a command: %s; see `%s --help`", called, strings.Join(names, ", "), called)
	}
	unknown := cmd.Args().First()
	if near := register.Nearest(unknown, names); near != "" {
		return usage("`%s` has no command %q; did you mean %q?", called, unknown, near)
	}
	return usage("`%s` has no command %q; it has %s", called, unknown, strings.Join(names, ", "))
}

// arguments checks how many arguments a command got; most < 0: any number.
func arguments(least, most int) cli.ArgValidatorFunc {
	return func(_ context.Context, cmd *cli.Command) error {
		given := cmd.Args().Len()
		switch {
		case given < least:
			return usage("`%s` needs %s; see `%s --help`", cmd.FullName(), cmd.ArgsUsage, cmd.FullName())
		case most == 0 && given > 0:
			return usage("`%s` takes no argument, and got %q", cmd.FullName(), cmd.Args().First())
		case most >= 0 && given > most:
			return usage("`%s` takes %s and nothing more, and got %q too", cmd.FullName(), cmd.ArgsUsage, cmd.Args().Get(most))
		}
		return nil
	}
}

// jsonFlag is the flag of every command that prints results.
func jsonFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print " + what}
}

const (
	jsonLines  = "a JSON object per line"
	jsonObject = "one JSON object"
)

// definitionFlag names the definition of commands that need no catalogue.
func definitionFlag() cli.Flag {
	return &cli.StringFlag{Name: "definition", Usage: "definition `FILE` that says how to read the register", Required: true, TakesFile: true}
}

// usageErrorOf puts the library's words about flags into ours.
func usageErrorOf(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	message := err.Error()
	if name, ok := strings.CutPrefix(message, "flag provided but not defined: -"); ok {
		return unknownFlag(cmd, strings.TrimLeft(name, "-"))
	}
	if name, ok := strings.CutPrefix(message, "flag needs an argument: "); ok {
		return usage("`%s`: %s needs a value", cmd.FullName(), name)
	}
	if names, ok := strings.CutPrefix(message, "Required flag"); ok {
		names = strings.NewReplacer(`"`, "", " not set", "").Replace(strings.TrimPrefix(names, "s"))
		return usage("`%s` needs --%s; see `%s --help`", cmd.FullName(),
			strings.Join(strings.Split(strings.TrimSpace(names), ", "), " and --"), cmd.FullName())
	}
	return usage("`%s`: %s", cmd.FullName(), strings.Replace(message, " for flag -", " for --", 1))
}

func unknownFlag(cmd *cli.Command, name string) error {
	var known []string
	for _, c := range cmd.Lineage() {
		for _, flag := range c.Flags {
			known = append(known, flag.Names()...)
		}
	}
	hint := fmt.Sprintf("see `%s --help`", cmd.FullName())
	if cmd.Command(name) != nil { // --version
		hint = fmt.Sprintf("did you mean `%s %s`?", cmd.FullName(), name)
	}
	if near := register.Nearest(name, known); near != "" && len(name) > 1 {
		hint = fmt.Sprintf("did you mean --%s?", near)
	}
	return usage("`%s` has no flag --%s; %s", cmd.FullName(), name, hint)
}
