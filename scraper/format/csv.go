package format

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/regwatch/regwatch/register"
)

// csvReader reads comma-separated values (RFC 4180) as a stream.
type csvReader struct {
	parse   register.Parse
	comma   rune
	fields  []register.Field
	sources [][]register.Source
}

func newCSV(def register.Definition) (Reader, []register.FieldError) {
	errs := append(unused(def.Parse), noTotal(def)...)
	r := &csvReader{parse: def.Parse, comma: ',', fields: def.Fields}
	if d := def.Parse.Delimiter; d != "" {
		var size int
		r.comma, size = utf8.DecodeRuneInString(d)
		if size != len(d) || r.comma == '"' || r.comma == '\r' || r.comma == '\n' || r.comma == utf8.RuneError {
			errs = append(errs, register.FieldError{Path: "parse.delimiter", Message: fmt.Sprintf("%q can not separate cells", d), Hint: `one character, such as ";" or "\t"`})
		}
	}
	if def.Parse.Skip < 0 {
		errs = append(errs, register.FieldError{Path: "parse.skip", Message: "can not be negative"})
	}
	for _, field := range def.Fields {
		sources := sourcesOf(field)
		r.sources = append(r.sources, sources)
		for i, source := range sources {
			errs = append(errs, csvSource(def.Parse, source, sourcePath(field, i))...)
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

// maxColumn is the largest index that `from` may name: more is a slip.
const maxColumn = 9999

func csvSource(p register.Parse, source register.Source, path string) []register.FieldError {
	switch {
	case source.ByIndex && (source.Index < 0 || source.Index > maxColumn):
		return []register.FieldError{{Path: path, Message: fmt.Sprintf("there is no column %d", source.Index), Hint: "the first column is 0"}}
	case !source.ByIndex && p.NoHeader:
		return []register.FieldError{{Path: path, Message: fmt.Sprintf("%q is a name, but the file has no header", source.Name), Hint: "give the column's zero-based index"}}
	case !source.ByIndex && fold(source.Name) == "":
		return []register.FieldError{{Path: path, Message: "the column's name is empty", Hint: "give its zero-based index"}}
	}
	return nil
}

// Read implements [Reader]. A row of fewer cells than any before it, at the very
// end, is cut if it holds anything; so is one whose quoted cell never ends.
func (r *csvReader) Read(ctx context.Context, body io.Reader, emit func(Row) error) (Reading, error) {
	buffered := bufio.NewReaderSize(body, 64<<10)
	if err := skipLines(buffered, r.parse.Skip); err != nil {
		return Reading{}, err
	}
	records := newCSVRecords(buffered, r.comma, r.parse)
	err := records.next()
	if err != nil {
		return Reading{Shape: r.shapeOf(nil)}, noRecord(err)
	}
	columns := numbered(len(records.record))
	if !r.parse.NoHeader {
		columns = foldAll(records.record)
	}
	reading := Reading{Shape: r.shapeOf(columns)}
	if len(reading.Shape.Missing) > 0 {
		return reading, nil
	}
	width := 0 // of the narrowest row so far
	if !r.parse.NoHeader {
		width = named(columns)
		err = records.next()
	}
	return reading, r.rows(ctx, records, err, r.places(columns), width, emit)
}

// rows emits the record at hand and those behind it, each when it is known
// whether it is the last. Err is that of the record at hand.
func (r *csvReader) rows(ctx context.Context, records *csvRecords, err error, places [][]int, width int, emit func(Row) error) error {
	row := Row{Cells: make([]Cell, len(r.fields))}
	for n := 0; err == nil; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		fillRow(row.Cells, records.record, places)
		row.Line = records.line
		cells, blank := len(records.record), isBlank(records.record)
		open := records.mayBeOpen()
		err = records.next()
		// Cells are counted at the end only: publishers leave empty ones off.
		row.Cut = errors.Is(err, io.EOF) && (cells < width && !blank || open && !records.endsWithQuote())
		if width == 0 || cells < width {
			width = cells
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	if errors.Is(err, errOpenQuote) {
		clear(row.Cells)
		return emit(Row{Line: records.line, Cells: row.Cells, Cut: true})
	}
	return noRecord(err)
}

// places gives for each field the columns that it is read from.
func (r *csvReader) places(columns []string) [][]int {
	places := make([][]int, len(r.fields))
	for i, sources := range r.sources {
		for _, source := range sources {
			if at := columnOf(columns, source); at >= 0 {
				places[i] = append(places[i], at)
			}
		}
	}
	return places
}

// shapeOf compares the columns that are there with those that fields read.
func (r *csvReader) shapeOf(columns []string) register.Shape {
	shape := register.Shape{Columns: columns}
	read := make([]bool, len(columns))
	for i, places := range r.places(columns) {
		for _, at := range places {
			read[at] = true
		}
		if len(places) == 0 && !r.fields[i].Optional {
			shape.Missing = append(shape.Missing, r.fields[i].Name)
		}
	}
	for i, column := range columns {
		if !read[i] && column != "" {
			shape.Unread = append(shape.Unread, column)
		}
	}
	return shape
}

func fillRow(cells []Cell, record []string, places [][]int) {
	for i, columns := range places {
		cells[i] = Cell{}
		for _, column := range columns {
			if column < len(record) && record[column] != "" {
				cells[i].Text = record[column]
				break
			}
		}
	}
}

// named counts the columns up to the last that has a name.
func named(columns []string) int {
	for n := len(columns); n > 0; n-- {
		if columns[n-1] != "" {
			return n
		}
	}
	return 0
}

// numbered names the columns of a file without a header by their index.
func numbered(n int) []string {
	columns := make([]string, n)
	for i := range columns {
		columns[i] = strconv.Itoa(i)
	}
	return columns
}

// isBlank reports whether nothing in a record can be seen: a line of white space,
// or the mark by which old systems end a file.
func isBlank(record []string) bool {
	return !slices.ContainsFunc(record, func(cell string) bool {
		return strings.ContainsFunc(cell, func(char rune) bool { return unicode.IsGraphic(char) && !unicode.IsSpace(char) })
	})
}

// errOpenQuote says that the file ended inside a quoted cell.
var errOpenQuote = errors.New("a quoted cell does not end")

// csvRecords is the stream of records with their lines.
type csvRecords struct {
	csv    *csv.Reader
	body   *lastByte
	parse  register.Parse
	record []string // valid until next
	line   int      // on which it begins
}

func newCSVRecords(body io.Reader, comma rune, parse register.Parse) *csvRecords {
	last := &lastByte{body: body, most: maxHeader}
	records := csv.NewReader(last)
	records.Comma = comma
	records.LazyQuotes = parse.Lazy
	records.FieldsPerRecord = -1
	records.ReuseRecord = true
	return &csvRecords{csv: records, body: last, parse: parse}
}

// mayBeOpen reports whether the record at hand, if it is the last, may hold a
// quoted cell that never ends: with loose quotes that is no error, and the rows
// behind it are in its last cell.
func (c *csvRecords) mayBeOpen() bool {
	return c.parse.Lazy && len(c.record) > 0 && strings.Contains(c.record[len(c.record)-1], "\n")
}

// endsWithQuote reports whether what was read ends with a quote and white space.
func (c *csvRecords) endsWithQuote() bool { return c.body.char == '"' }

// Bounds of a record, in bytes: what is longer is no row of anything, and would be
// kept in memory whole.
const (
	maxHeader = 1 << 20
	maxRecord = 16 << 20
)

var errLongRecord = errors.New("a record is too long")

// lastByte remembers the last byte that passed and is no white space, and ends
// records that are too long.
type lastByte struct {
	body  io.Reader
	char  byte
	since int // bytes read since the record at hand was asked for
	most  int
}

// Read implements io.Reader.
func (l *lastByte) Read(p []byte) (int, error) {
	if l.since > l.most {
		return 0, errLongRecord
	}
	n, err := l.body.Read(p)
	l.since += n
	if shown := bytes.TrimRight(p[:n], " \t\r\n"); len(shown) > 0 {
		l.char = shown[len(shown)-1]
	}
	return n, err
}

// next goes to the next record. At the end it gives io.EOF, or errOpenQuote
// where the last record ends inside a quote.
func (c *csvRecords) next() error {
	c.body.since = 0
	record, err := c.csv.Read()
	c.record = record
	if errors.Is(err, errLongRecord) {
		return unreadable(c.line+1, "", "a row is longer than %d bytes: this is not CSV, or a quoted cell does not end", c.body.most)
	}
	c.body.most = maxRecord
	if err == nil {
		line, _ := c.csv.FieldPos(0)
		c.line = line + c.parse.Skip
		return nil
	}
	parse, ok := errors.AsType[*csv.ParseError](err)
	if !ok {
		return err
	}
	c.line = parse.StartLine + c.parse.Skip
	if errors.Is(err, csv.ErrQuote) {
		if _, after := c.csv.Read(); after == io.EOF {
			return errOpenQuote
		}
	}
	hint := "parse.lazy: true reads quotes that stand loose inside a cell"
	if c.parse.Lazy {
		hint = ""
	}
	return unreadable(c.line, hint, "not CSV: %w", parse.Err)
}

// noRecord is the error of a stream that gave no further record: none at its end.
func noRecord(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, errOpenQuote) {
		return nil
	}
	return err
}

// skipLines drops leading lines that are not part of the table.
func skipLines(r *bufio.Reader, n int) error {
	for range n {
		for {
			_, err := r.ReadSlice('\n')
			if err == nil {
				break
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
		}
	}
	return nil
}
