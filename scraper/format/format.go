package format

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/regwatch/regwatch/register"
)

// Cell is the published text of one declared field in one row.
type Cell struct {
	Text string
	More []string // further repeats: of a JSON array, of an XML or HTML element
}

// Empty reports whether nothing was published.
func (c Cell) Empty() bool { return c.Text == "" && len(c.More) == 0 }

// Row is what a page holds before it becomes an entry. Cells stand in the order
// of the definition's fields; an absent cell is zero.
type Row struct {
	Line  int // where the row begins, counted from 1; for JSON and HTML its number among the rows
	Cells []Cell
	Cut   bool // the page ended inside this row

	Unmatched bool // text: `parse.rows` does not match this line, so that it has no cells
}

// Reading is what a page showed besides its rows.
type Reading struct {
	Shape register.Shape
	Total string // what `expect.total` found, as published; "" without it
}

// Reader reads the rows of one format. It is immutable and may be used by
// several goroutines at once.
type Reader interface {
	// Read hands each row of a UTF-8 body to emit, in page order; the row is
	// only valid until emit returns. It ends with the first error of emit, with
	// the error of ctx or body, or with a *[register.Failure] that says what in
	// the body can not be read. What was read until then is in the Reading. A
	// page on which a declared column is missing may be left unread behind its
	// header.
	Read(ctx context.Context, body io.Reader, emit func(Row) error) (Reading, error)
}

// New compiles the part of a definition that says how its pages are read. The
// errors name every field of the definition that can not be used.
func New(def register.Definition) (Reader, []register.FieldError) {
	switch def.Parse.Format {
	case register.FormatCSV:
		return newCSV(def)
	case register.FormatHTML:
		return newHTML(def)
	case register.FormatJSON:
		return newJSON(def)
	case register.FormatNDJSON:
		return newNDJSON(def)
	case register.FormatXML:
		return newXML(def)
	case register.FormatText:
		return newText(def)
	case "xlsx", "pdf":
		return nil, []register.FieldError{{
			Path: "parse.format", Message: def.Parse.Format + " is not built yet", Hint: "csv, html, json, ndjson, xml and text are",
		}}
	}
	return nil, []register.FieldError{{
		Path: "parse.format", Message: fmt.Sprintf("unknown format %q", def.Parse.Format), Hint: "one of csv, html, json, ndjson, xml, text",
	}}
}

// sourcesOf gives where a field is read from: what it declares, or else the
// column of its own name.
func sourcesOf(f register.Field) []register.Source {
	if len(f.From) > 0 {
		return f.From
	}
	return []register.Source{{Name: f.Name}}
}

// sourcePath names a source in an error.
func sourcePath(f register.Field, i int) string {
	if len(f.From) == 0 {
		return "fields." + f.Name
	}
	return "fields." + f.Name + ".from[" + strconv.Itoa(i) + "]"
}

// unused gives an error for each setting of `parse` that another format has.
func unused(p register.Parse) []register.FieldError {
	var errs []register.FieldError
	refuse := func(set bool, name, format string) {
		if set && p.Format != format {
			errs = append(errs, register.FieldError{Path: "parse." + name, Message: "means nothing for " + p.Format, Hint: "it belongs to " + format})
		}
	}
	refuse(p.Delimiter != "", "delimiter", register.FormatCSV)
	refuse(p.NoHeader, "header", register.FormatCSV)
	refuse(p.Skip != 0, "skip", register.FormatCSV)
	refuse(p.Lazy, "lazy", register.FormatCSV)
	refuse(p.Comment != "", "comment", register.FormatText)
	if p.Rows != "" && p.Format == register.FormatCSV {
		errs = append(errs, register.FieldError{Path: "parse.rows", Message: "means nothing for csv", Hint: "every line of a CSV file is a row"})
	}
	return errs
}

// noTotal refuses `expect.total` where a format has no place for it.
func noTotal(def register.Definition) []register.FieldError {
	if def.Expect.Total == "" {
		return nil
	}
	return []register.FieldError{{
		Path: "expect.total", Message: "is not built for " + def.Parse.Format, Hint: "a declared total is read from html and json; use expect.entries",
	}}
}

// unreadable is the failure of a format's own syntax.
func unreadable(line int, hint, message string, args ...any) *register.Failure {
	failure := &register.Failure{Class: register.ClassUnreadable, Hint: hint, Err: fmt.Errorf(message, args...)}
	if line > 0 {
		failure.Where = "line " + strconv.Itoa(line)
	}
	return failure
}

// firstFilled gives the first cell that holds anything; zero where none does.
func firstFilled(n int, cell func(int) Cell) Cell {
	for i := range n {
		if c := cell(i); !c.Empty() {
			return c
		}
	}
	return Cell{}
}

// cellOf makes a cell of repeated texts, leaving out empty ones.
func cellOf(texts []string) Cell {
	if len(texts) == 1 {
		return Cell{Text: texts[0]} // as almost always
	}
	var filled []string
	for _, text := range texts {
		if text != "" {
			filled = append(filled, text)
		}
	}
	switch len(filled) {
	case 0:
		return Cell{}
	case 1:
		return Cell{Text: filled[0]}
	}
	return Cell{Text: filled[0], More: filled[1:]}
}
