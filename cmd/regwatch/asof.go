package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func asofCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "asof", Category: groupHistory, ArgsUsage: "ID",
		Usage: "prints a register as it stood at an instant",
		Description: describe("Prints the entries that were listed at an instant, by default now, oldest first: in the order of the fetches that brought them, and of the page.",
			"regwatch asof cz-mf-blocklist --at 2025-12-22",
			"regwatch asof cz-mf-blocklist --at 2025-12-23T02:27:29Z --json"),
		Flags:        []cli.Flag{instantFlag("at", "as the register stood at (default: now)", false), jsonFlag(jsonLines)},
		ArgValidator: arguments(1, 1),
		Action:       p.opened(p.asof),
	}
}

func (p *program) asof(ctx context.Context, cmd *cli.Command, a *app.App) error {
	at, err := instant(cmd, "at")
	if err != nil {
		return err
	}
	id := cmd.Args().First()
	if cmd.Bool("json") {
		return a.AsOf(ctx, id, at, func(l register.Listing) error { return p.line(listingLine(id, l)) })
	}
	t := newTable(p.out, "FIRST SEEN", "ENTRY", "FIELDS")
	entries := 0
	err = a.AsOf(ctx, id, at, func(l register.Listing) error {
		entries++
		t.row(when(l.FirstSeen), l.Key.Display(), fieldsLine(l.Fields))
		return nil
	})
	if err != nil {
		return err
	}
	t.flush()
	if at.IsZero() {
		at = now()
	}
	p.note("%s at %s: %s", id, when(at), count(entries, "entry"))
	return nil
}
