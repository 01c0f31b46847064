package schedules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong with a definition file.
type Error struct {
	File    string
	Line    int // from 1
	Column  int // from 1
	Path    string
	Message string
	Hint    string // what to do; may be empty
}

// Error gives `file:line:column: path: message (hint)` on one line.
func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Errors is everything wrong with a set of definition files, by file in the
// order given and by position in the file.
type Errors []Error

// Error gives a line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// sortByPosition puts the errors of one file in reading order.
func (e Errors) sortByPosition() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Path, b.Path))
	})
}
