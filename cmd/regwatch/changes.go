package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

// shownRows is how many rows of a log people see unless they ask for more.
const shownRows = 50

func changesCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "changes", Category: groupHistory,
		Usage: "prints the change log",
		Description: describe(`Prints recorded changes, oldest first: the last 50 for people, all with --json. --since is inclusive,
--until is not.`,
			"regwatch changes --register cz-mf-blocklist --kind added",
			"regwatch changes --since 2025-12-23 --match casino --json"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "register", Usage: "only of the register `ID`"},
			instantFlag("since", "only observed at or after", false),
			instantFlag("until", "only observed before", false),
			&cli.StringFlag{Name: "kind", Usage: "only of the `KIND` " + kindsLine()},
			&cli.StringFlag{Name: "match", Usage: "only with `TEXT` in the key or in a value, before or after; case does not matter"},
			limitFlag(),
			jsonFlag(jsonLines),
		},
		ArgValidator: arguments(0, 0),
		Action:       p.opened(p.changes),
	}
}

func (p *program) changes(ctx context.Context, cmd *cli.Command, a *app.App) error {
	filter, err := changeFilter(cmd)
	if err != nil {
		return err
	}
	last, err := rowLimit(cmd)
	if err != nil {
		return err
	}
	if last == 0 && cmd.Bool("json") { // straight through, however many
		return a.Changes(ctx, filter, func(c register.Change) error { return p.line(c) })
	}
	var kept []register.Change
	total := 0
	err = a.Changes(ctx, filter, func(c register.Change) error {
		total++
		if kept = append(kept, c); last > 0 && len(kept) >= 2*last {
			kept = slices.Delete(kept, 0, len(kept)-last)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if last > 0 && len(kept) > last {
		kept = kept[len(kept)-last:]
	}
	if cmd.Bool("json") {
		return p.changeLines(kept)
	}
	p.changeTable(kept)
	if total == 0 {
		p.note("no changes")
	}
	if total > len(kept) {
		p.note("%d earlier ones are not shown: --limit 0 shows all", total-len(kept))
	}
	return nil
}

func changeFilter(cmd *cli.Command) (f register.ChangeFilter, err error) {
	f = register.ChangeFilter{Register: cmd.String("register"), Kind: register.Kind(cmd.String("kind")), Match: cmd.String("match")}
	if f.Kind != "" && !slices.Contains(register.Kinds, f.Kind) {
		return f, usage("--kind has no %q: want one of %s", f.Kind, kindsLine())
	}
	if f.Since, err = instant(cmd, "since"); err != nil {
		return f, err
	}
	f.Until, err = instant(cmd, "until")
	return f, err
}

func limitFlag() cli.Flag {
	return &cli.IntFlag{Name: "limit", Usage: "the last `N` only; 0: all (default: 50, all with --json)", HideDefault: true}
}

// rowLimit gives how many rows to show; 0: all.
func rowLimit(cmd *cli.Command) (int, error) {
	switch n := cmd.Int("limit"); {
	case n < 0:
		return 0, usage("--limit %d: want a number of rows, or 0 for all", n)
	case cmd.IsSet("limit") || cmd.Bool("json"):
		return n, nil
	}
	return shownRows, nil
}
