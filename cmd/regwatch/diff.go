package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func diffCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "diff", Category: groupHistory, ArgsUsage: "ID",
		Usage: "prints the net difference between two instants",
		Description: describe("Prints what is different between a register as it stood at --from and as it stood at --to (default: now). What came and went in between is not told; `regwatch changes` tells it.",
			"regwatch diff cz-mf-blocklist --from 2025-12-16 --to 2026-01-14"),
		Flags: []cli.Flag{
			instantFlag("from", "as the register stood at", true),
			instantFlag("to", "and as it stood at (default: now)", false),
			jsonFlag(jsonLines),
		},
		ArgValidator: arguments(1, 1),
		Action:       p.opened(p.diff),
	}
}

func (p *program) diff(ctx context.Context, cmd *cli.Command, a *app.App) error {
	from, err := instant(cmd, "from")
	if err != nil {
		return err
	}
	to, err := instant(cmd, "to")
	if err != nil {
		return err
	}
	if to.IsZero() {
		to = now()
	}
	if to.Before(from) {
		return usage("--to %s is before --from %s: give the earlier instant first", exactly(to), exactly(from))
	}
	id := cmd.Args().First()
	if cmd.Bool("json") {
		return a.Between(ctx, id, from, to, func(c register.Change) error { return p.line(newComputedLine(c)) })
	}
	t := newTable(p.out, "KIND", "ENTRY", "WHAT")
	kinds := map[register.Kind]int{}
	err = a.Between(ctx, id, from, to, func(c register.Change) error {
		kinds[c.Kind]++
		t.row(string(c.Kind), c.Key.Display(), whatChanged(c))
		return nil
	})
	if err != nil {
		return err
	}
	t.flush()
	counts := register.Counts{Added: kinds[register.Added], Removed: kinds[register.Removed], Changed: kinds[register.Changed]}
	p.note("%s from %s to %s: %s", id, when(from), when(to), countsLine(counts))
	return nil
}
