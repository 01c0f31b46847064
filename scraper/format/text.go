package format

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// LineGroup is the name under which a line as a whole can be read where
// `parse.rows` gives no expression.
const LineGroup = "line"

// maxLine bounds a line of text, in bytes: a longer one is no row of anything.
const maxLine = 1 << 20

// textReader reads lines of text as a stream.
type textReader struct {
	rows    *regexp.Regexp // nil: the whole line
	comment string
	fields  int
	groups  [][]int // by field: the groups that it is read from
	columns []string
	unread  []string
}

func newText(def register.Definition) (Reader, []register.FieldError) {
	errs := append(unused(def.Parse), noTotal(def)...)
	r := &textReader{comment: def.Parse.Comment, fields: len(def.Fields), columns: []string{LineGroup}}
	if def.Parse.Rows != "" {
		rows, err := regexp.Compile(def.Parse.Rows)
		if err != nil {
			return nil, append(errs, register.FieldError{Path: "parse.rows", Message: "is not a regular expression: " + regexpMessage(err), Hint: "the syntax is RE2"})
		}
		r.rows, r.columns = rows, namedGroups(rows)
		if len(r.columns) == 0 {
			return nil, append(errs, register.FieldError{Path: "parse.rows", Message: "has no named group", Hint: "write (?P<name>…) around what a field reads"})
		}
	}
	read := map[string]bool{}
	for _, field := range def.Fields {
		var groups []int
		for i, source := range sourcesOf(field) {
			group := r.group(source)
			if group < 0 {
				errs = append(errs, register.FieldError{
					Path: sourcePath(field, i), Message: "no group has this name",
					Hint: "a field of text is read from one of: " + strings.Join(r.columns, ", "),
				})
				continue
			}
			groups = append(groups, group)
			read[source.Name] = true
		}
		r.groups = append(r.groups, groups)
	}
	for _, column := range r.columns {
		if !read[column] {
			r.unread = append(r.unread, column)
		}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

// regexpMessage says what is wrong with a regular expression.
func regexpMessage(err error) string {
	if wrong, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Sprintf("%s: %q", wrong.Code, wrong.Expr)
	}
	return err.Error()
}

func namedGroups(expression *regexp.Regexp) []string {
	return slices.DeleteFunc(slices.Clone(expression.SubexpNames()), func(name string) bool { return name == "" })
}

// group gives the number of the group that a source names, or -1.
func (r *textReader) group(source register.Source) int {
	if source.ByIndex || source.Name == "" {
		return -1
	}
	if r.rows == nil {
		return slices.Index(r.columns, source.Name)
	}
	return r.rows.SubexpIndex(source.Name)
}

// Read implements [Reader]. Blank lines and comments are skipped; a line that
// `parse.rows` does not match is a row without cells, so that it is counted.
func (r *textReader) Read(ctx context.Context, body io.Reader, emit func(Row) error) (Reading, error) {
	reading := Reading{Shape: register.Shape{Columns: r.columns, Unread: r.unread}}
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	row := Row{Cells: make([]Cell, r.fields)}
	for number := 1; lines.Scan(); number++ {
		if number%1024 == 0 && ctx.Err() != nil {
			return reading, ctx.Err()
		}
		line := lines.Text()
		if strings.TrimSpace(line) == "" || r.comment != "" && strings.HasPrefix(strings.TrimSpace(line), r.comment) {
			continue
		}
		row.Line = number
		row.Unmatched = !r.fill(row.Cells, line)
		if err := emit(row); err != nil {
			return reading, err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return reading, unreadable(row.Line+1, "", "a line is longer than %d bytes: this is not a list in text", maxLine)
	}
	return reading, lines.Err()
}

// fill sets the cells, and reports whether the line is of the declared form.
func (r *textReader) fill(cells []Cell, line string) bool {
	match := []int{0, len(line)}
	if r.rows != nil {
		match = r.rows.FindStringSubmatchIndex(line)
	}
	for i, groups := range r.groups {
		cells[i] = firstFilled(len(groups), func(n int) Cell {
			at := 2 * groups[n]
			if match == nil || match[at] < 0 {
				return Cell{}
			}
			return Cell{Text: line[match[at]:match[at+1]]}
		})
	}
	return match != nil
}
