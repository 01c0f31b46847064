package format

import (
	"slices"

	"github.com/regwatch/regwatch/register"
)

// fold gives the form in which column names are compared.
func fold(name string) string { return register.Normalize(name) }

// foldAll folds the cells of a header.
func foldAll(cells []string) []string {
	folded := make([]string, len(cells))
	for i, cell := range cells {
		folded[i] = fold(cell)
	}
	return folded
}

// columnOf gives the position of a source among the columns, or -1. Of columns
// with the same name the first counts; the others can be named by index.
func columnOf(columns []string, source register.Source) int {
	if source.ByIndex {
		if source.Index < 0 || source.Index >= len(columns) {
			return -1
		}
		return source.Index
	}
	return slices.Index(columns, fold(source.Name))
}

// seen tells which declared fields were found, and which columns none reads.
type seen struct {
	fields  []register.Field
	found   []bool // by field
	columns []string
	known   map[string]bool
}

func newSeen(fields []register.Field) *seen {
	return &seen{fields: fields, found: make([]bool, len(fields)), known: map[string]bool{}}
}

// column notes a column that a row has, the first time.
func (s *seen) column(name string) {
	if !s.known[name] {
		s.known[name] = true
		s.columns = append(s.columns, name)
	}
}

// shape gives what was seen. Without rows nothing is known of a column that
// only rows could show, so that none is missing.
func (s *seen) shape(rows int, read func(column string) bool) register.Shape {
	shape := register.Shape{Columns: s.columns}
	for i, field := range s.fields {
		if rows > 0 && !s.found[i] && !field.Optional {
			shape.Missing = append(shape.Missing, field.Name)
		}
	}
	for _, column := range s.columns {
		if !read(column) {
			shape.Unread = append(shape.Unread, column)
		}
	}
	return shape
}
