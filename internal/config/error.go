package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// Error is one thing wrong with the configuration.
type Error struct {
	Source string // the file, or the environment variable
	Line   int    // from 1; 0: a variable
	Column int    // from 1
	register.FieldError
}

// Error gives `file:line:column: path: message (hint)` on one line.
func (e Error) Error() string {
	place := e.Source
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", e.Source, e.Line, e.Column)
	}
	if e.Path == "" {
		return strings.TrimSpace(place + e.FieldError.Error())
	}
	return place + ": " + e.FieldError.Error()
}

// Errors is everything wrong with the configuration, in reading order,
// variables last.
type Errors []Error

// Error gives a line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(
			cmp.Compare(min(b.Line, 1), min(a.Line, 1)), // the file before the variables
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Path, b.Path))
	})
}
