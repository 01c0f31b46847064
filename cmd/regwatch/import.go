package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func importCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "import", Category: groupFiles,
		Usage: "takes archived versions of a register into its history",
		Description: describe(`Sends archived versions of a register, oldest first, through the same checks as a fetch, and records
what they show. Its changes have origin "import" and are delivered to nobody. File names begin with the UTC time at which
the version was saved (2025-12-23T022729Z.csv, 2025-12-23.csv); others are ignored with a note. A version that is not newer
than what is known already is skipped. Exit code 0 when every version was judged, failed and held ones too.`,
			"regwatch import --definition my-register.yaml --dir ./versions",
			"regwatch import --definition my-register.yaml --dir ./versions --json"),
		Flags: []cli.Flag{
			definitionFlag(),
			&cli.StringFlag{Name: "dir", Usage: "`DIR`ectory of the archived versions", Required: true, TakesFile: true},
			jsonFlag("a JSON object per version"),
		},
		ArgValidator: arguments(0, 0),
		Action:       p.opened(p.importVersions),
	}
}

// importLayout is fixed, because lines appear as versions are judged.
const importLayout = "%-20s  %-9s  %6s  %7s  %7s  %8s  %7s  %8s  %s"

func (p *program) importVersions(ctx context.Context, cmd *cli.Command, a *app.App) error {
	def, err := app.DefinitionFile(cmd.String("definition"))
	if err != nil {
		return err
	}
	asJSON, header := cmd.Bool("json"), false
	var failed error
	tell := func(v app.Imported) {
		p.endProgress()
		switch {
		case asJSON:
			failed = p.line(v)
		case !header:
			header = true
			p.say(importLayout, "SAVED", "OUTCOME", "ADDED", "REMOVED", "CHANGED", "RELISTED", "REKEYED", "ENTRIES", "REASON")
			fallthrough
		default:
			p.say(importLayout, exactly(v.ObservedAt), v.Outcome, number(v.Added), number(v.Removed), number(v.Changed),
				number(v.Relisted), number(v.Rekeyed), fmt.Sprint(v.Entries), app.Shorten(v.Reason, cellWidth))
		}
		if err := p.out.Flush(); failed == nil {
			failed = err
		}
		if v.Done < v.Total {
			p.progress("judged", v.Done, v.Total)
		}
	}
	err = a.Import(ctx, def, cmd.String("dir"), tell, func(note string) { p.note("%s", note) })
	p.endProgress()
	if err == nil {
		err = failed
	}
	return err
}

// number shows a count; a zero is not worth seeing.
func number(n int) string {
	if n == 0 {
		return "·"
	}
	return fmt.Sprint(n)
}
