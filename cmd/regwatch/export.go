package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func exportCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "export", Category: groupHistory, ArgsUsage: "ID",
		Usage: "prints the entries that are believed now, for other programs",
		Description: describe(`Prints a register as it stands: as CSV with the key and a column per field, as one JSON array, or as a JSON
object per line. In CSV a cell that a spreadsheet would take for a formula gets a leading ' unless --raw is given.`,
			"regwatch export cz-mf-blocklist --format csv > list.csv",
			"regwatch export cz-mf-blocklist --format ndjson"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Usage: "`FORMAT`: csv, json or ndjson", Required: true},
			&cli.BoolFlag{Name: "raw", Usage: "csv: leave cells that look like formulas as they are"},
		},
		ArgValidator: arguments(1, 1),
		Action:       p.opened(p.export),
	}
}

func (p *program) export(ctx context.Context, cmd *cli.Command, a *app.App) error {
	id, format := cmd.Args().First(), cmd.String("format")
	var e exporter
	switch format {
	case "csv":
		e = &csvExport{w: csv.NewWriter(p.out), raw: cmd.Bool("raw")}
	case "json":
		e = &jsonExport{w: p.out}
	case "ndjson":
		e = lineExport{p}
	default:
		return usage("--format has no %q: want csv, json or ndjson", format)
	}
	fields, err := a.FieldNames(ctx, id)
	if err != nil {
		return err
	}
	return export(e, fields, func(yield func(register.Listing) error) error { return a.AsOf(ctx, id, time.Time{}, yield) }, id)
}

// export writes what the listings are. Nothing is written before it is known
// that there are any, or that there are none.
func export(e exporter, fields []string, listings func(func(register.Listing) error) error, id string) error {
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return e.begin(fields)
	}
	err := listings(func(l register.Listing) error {
		if err := begin(); err != nil {
			return err
		}
		return e.entry(listingLine(id, l))
	})
	if err == nil {
		err = begin()
	}
	if err != nil {
		return err
	}
	return e.end()
}

// exporter writes entries in one format.
type exporter interface {
	begin(fields []string) error
	entry(line entryLine) error
	end() error
}

type lineExport struct{ p *program }

func (lineExport) begin([]string) error         { return nil }
func (e lineExport) entry(line entryLine) error { return e.p.line(line) }
func (lineExport) end() error                   { return nil }

// jsonExport writes one array, an entry per line.
type jsonExport struct {
	w     io.Writer
	count int
}

func (e *jsonExport) begin([]string) error {
	_, err := io.WriteString(e.w, "[")
	return err
}

func (e *jsonExport) entry(line entryLine) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		return err
	}
	between := "\n"
	if e.count++; e.count > 1 {
		between = ",\n"
	}
	_, err := io.WriteString(e.w, between+strings.TrimSuffix(text.String(), "\n"))
	return err
}

func (e *jsonExport) end() error {
	_, err := io.WriteString(e.w, "\n]\n")
	return err
}

type csvExport struct {
	w      *csv.Writer
	raw    bool
	fields []string
}

func (e *csvExport) begin(fields []string) error {
	e.fields = fields
	return e.w.Write(append([]string{"key"}, fields...))
}

func (e *csvExport) entry(line entryLine) error {
	cells := []string{e.cell(string(line.Key))}
	for _, name := range e.fields {
		cells = append(cells, e.cell(line.Fields.Get(name)))
	}
	return e.w.Write(cells)
}

// cell takes the force off a formula: OWASP's CSV injection rules.
func (e *csvExport) cell(text string) string {
	if !e.raw && text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

func (e *csvExport) end() error {
	e.w.Flush()
	return e.w.Error()
}
