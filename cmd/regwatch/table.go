package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

// cellWidth is how many characters of a value a table shows.
const cellWidth = 72

// tableBlock is how many rows are aligned with each other, so that a table of a
// million rows needs no more memory than one of a thousand.
const tableBlock = 1000

// table shows rows to people.
type table struct {
	w      *tabwriter.Writer
	header []string // shown above the first row; no row, no header
	whole  bool     // show values in full, however long
	rows   int
}

// newWholeTable shows its values in full.
func newWholeTable(w io.Writer, header ...string) *table {
	t := newTable(w, header...)
	t.whole = true
	return t
}

func newTable(w io.Writer, header ...string) *table {
	return &table{w: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0), header: header}
}

// row adds one; its cells may hold anything.
func (t *table) row(cells ...string) {
	if t.rows == 0 {
		t.write(slices.Clone(t.header))
	}
	for i, cell := range cells {
		if cells[i] = visible(cell); !t.whole {
			cells[i] = app.Shorten(cells[i], cellWidth)
		}
	}
	t.write(cells)
	if t.rows++; t.rows%tableBlock == 0 {
		t.flush()
	}
}

// write leaves out cells at the end that are empty, so that no line ends in
// blanks.
func (t *table) write(cells []string) {
	for len(cells) > 1 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

// flush shows what was added; main sees errors of the writer below.
func (t *table) flush() { _ = t.w.Flush() }

// line prints one JSON value on a line of its own.
func (p *program) line(v any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false) // <, > and & are as good as any other character
	return encoder.Encode(v)
}

// say prints a line for people; its arguments may hold anything.
func (p *program) say(format string, args ...any) { say(p.out, format, args...) }

// note tells something that is no result.
func (p *program) note(format string, args ...any) { say(p.log, format, args...) }

func say(w io.Writer, format string, args ...any) {
	fmt.Fprintln(w, strings.TrimRight(visible(fmt.Sprintf(format, args...)), " "))
}

// fieldsLine shows an entry's fields on one line.
func fieldsLine(fields register.Values) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, f.Name+": "+f.Text)
	}
	return strings.Join(parts, " · ")
}

// count gives "1 run", "2 runs", "2 entries".
func count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// flushing shows what is written at once, for commands that take their time.
type flushing struct{ w *bufio.Writer }

// Write writes and flushes.
func (f flushing) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	if err != nil {
		return n, err
	}
	return n, f.w.Flush()
}
