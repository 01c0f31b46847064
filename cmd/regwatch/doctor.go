package main

import (
	"context"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func doctorCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "doctor", Category: groupService,
		Usage: "examines configuration, store, broker, network and clock",
		Description: describe(`Examines configuration, definitions, store, archive, deliveries, broker, outbound network, clock and disk, and
says of each whether it is well, and what to do. It may be used while the service runs. Exit code 1 if anything fails; a warning
is no failure.`,
			"regwatch doctor", "regwatch doctor --json"),
		Flags:        []cli.Flag{jsonFlag("a JSON object per check")},
		ArgValidator: arguments(0, 0),
		Action:       p.doctor,
	}
}

func (p *program) doctor(ctx context.Context, cmd *cli.Command) error {
	failed := false
	var writing error
	app.Doctor(ctx, p.options(cmd), func(f app.Finding) {
		failed = failed || f.Verdict == app.Broken
		if cmd.Bool("json") {
			writing = p.line(f)
		} else {
			p.finding(f)
		}
		if err := p.out.Flush(); writing == nil {
			writing = err
		}
	})
	switch {
	case writing != nil:
		return writing
	case ctx.Err() != nil:
		return ctx.Err()
	case failed:
		return errReported
	}
	return nil
}

func (p *program) finding(f app.Finding) {
	lines := strings.Split(f.Detail, "\n")
	p.say("%-4s  %-15s %s", f.Verdict, f.Check, lines[0])
	for _, line := range lines[1:] {
		p.say("%22s%s", "", line)
	}
	if f.Next != "" {
		p.say("%22s→ %s", "", f.Next)
	}
}
