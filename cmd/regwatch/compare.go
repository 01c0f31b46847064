package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func compareCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "compare", Category: groupFiles, ArgsUsage: "OLD NEW",
		Usage: "prints what differs between two saved versions",
		Description: describe(`Compares two saved versions of a register, whether or not a fetch would believe the difference. It
touches no store. A version that ends inside a row, or does not end its last line where the other one does, is
compared too, with a note on standard error. With --summary it prints one JSON object of counts.`,
			"regwatch compare --definition my-register.yaml monday.csv tuesday.csv",
			"regwatch compare --definition my-register.yaml monday.csv tuesday.csv --summary"),
		Flags: []cli.Flag{
			definitionFlag(), jsonFlag(jsonLines),
			&cli.BoolFlag{Name: "summary", Usage: "print " + jsonObject + " of counts instead"},
		},
		ArgValidator: arguments(2, 2),
		Action:       p.compare,
	}
}

func (p *program) compare(ctx context.Context, cmd *cli.Command) error {
	def, err := app.DefinitionFile(cmd.String("definition"))
	if err != nil {
		return err
	}
	done := p.working("comparing")
	compared, err := app.Compare(ctx, def, cmd.Args().Get(0), cmd.Args().Get(1))
	done()
	if err != nil {
		return err
	}
	for _, doubt := range compared.Doubts {
		p.note("perhaps not whole, so that what it lacks may be there: %s", doubt)
	}
	if cmd.Bool("summary") {
		return p.line(compared.Counts)
	}
	if cmd.Bool("json") {
		for c := range compared.Changes {
			if err := p.line(newComputedLine(c)); err != nil {
				return err
			}
		}
		return nil
	}
	if compared.Counts != (register.Counts{}) {
		t := newTable(p.out, "KIND", "ENTRY", "WHAT")
		for c := range compared.Changes {
			t.row(string(c.Kind), c.Key.Display(), whatChanged(c))
		}
		t.flush()
	}
	p.note("%s: %s", def.ID, countsLine(compared.Counts))
	return nil
}
