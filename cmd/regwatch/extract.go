package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func extractCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "extract", Category: groupFiles, ArgsUsage: "PAGE…",
		Usage: "prints the entries of saved pages",
		Description: describe(`Reads saved bytes as a definition says, several pages as one fetch, and prints the listed entries. It
touches no store and needs no configuration. Pages that are not whole fail with what they lack.`,
			"regwatch extract --definition my-register.yaml list.csv",
			"regwatch extract --definition my-register.yaml page-1.json page-2.json --json"),
		Flags:        []cli.Flag{definitionFlag(), jsonFlag(jsonLines)},
		ArgValidator: arguments(1, -1),
		Action:       p.extract,
	}
}

func (p *program) extract(ctx context.Context, cmd *cli.Command) error {
	def, err := app.DefinitionFile(cmd.String("definition"))
	if err != nil {
		return err
	}
	done := p.working("reading " + count(cmd.Args().Len(), "page"))
	snapshot, proof, err := app.Extract(ctx, def, cmd.Args().Slice())
	done()
	if err != nil {
		return err
	}
	if check := proof.Failed(); check != nil {
		return incomplete(def, check)
	}
	if err := p.entries(def, snapshot.Entries, cmd.Bool("json")); err != nil {
		return err
	}
	p.extracted(def, snapshot, proof)
	return nil
}

func (p *program) entries(def register.Definition, entries []register.Entry, asJSON bool) error {
	if asJSON {
		for _, e := range entries {
			if err := p.line(newEntryLine(def.ID, e)); err != nil {
				return err
			}
		}
		return nil
	}
	var header []string
	for _, field := range def.Fields {
		header = append(header, field.Name)
	}
	t := newTable(p.out, header...)
	for _, e := range entries {
		cells := make([]string, len(header))
		for i, name := range header {
			cells[i] = e.Fields.Get(name)
		}
		t.row(cells...)
	}
	t.flush()
	return nil
}

// extracted tells what reading the pages came across.
func (p *program) extracted(def register.Definition, s register.Snapshot, proof register.Proof) {
	p.note("%s: %s from %s", def.ID, count(len(s.Entries), "entry"), count(s.Counts.Rows, "row"))
	for _, part := range []struct {
		n    int
		noun string
		what string
	}{
		{len(s.Delisted), "row", "not listed, by listed_while"},
		{s.Counts.Blank, "blank row", "skipped"},
		{s.Counts.Unmatched, "line", "not matched by parse.rows and left out"},
		{s.Counts.Repeated, "row", "equal to an earlier one"},
		{s.Counts.Cut, "row", "with too few cells, left out"},
		{s.Counts.Repaired, "character", "did not decode"},
	} {
		if part.n > 0 {
			p.note("  %s %s", count(part.n, part.noun), part.what)
		}
	}
	for _, field := range def.Fields {
		if n := s.Counts.Odd[field.Name]; n > 0 {
			p.note("  %s of %s kept as published: not in its map, or not of its type", count(n, "value"), field.Name)
		}
	}
	for _, column := range s.Shape.Unread {
		p.note("  no field reads the column %q", column)
	}
	for _, check := range proof {
		if check.Verdict == register.Lack {
			p.note("  not proved whole: %s: %s", check.Name, check.Detail)
		}
	}
}
