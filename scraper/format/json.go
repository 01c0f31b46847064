package format

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/regwatch/regwatch/register"
)

// defaultJSONRows takes each element of the outermost array.
const defaultJSONRows = ".[]"

// jsonReader reads one JSON document with gojq programs, which see no
// environment, no file and no other input.
type jsonReader struct {
	rows   *gojq.Code
	total  *gojq.Code
	fields []register.Field
	from   [][]jsonSource
	read   map[string]bool // keys of a row that some program names
	stream *jsonPart       // nil: the document is read whole
	memory uint64          // that a document may take, in bytes
}

// jsonSource is one program of a field. A program that is only a path of keys
// has its steps: then a key that is there and null counts as there.
type jsonSource struct {
	code  *gojq.Code
	steps []string // keys; "" iterates; nil: not a plain path
}

func newJSON(def register.Definition) (Reader, []register.FieldError) {
	errs := unused(def.Parse)
	compile := func(path, program string) *gojq.Code {
		code, err := compileJQ(program)
		if err != nil {
			errs = append(errs, register.FieldError{Path: path, Message: "is not a gojq program: " + err.Error(), Hint: jqHint(program)})
		}
		return code
	}
	r := &jsonReader{fields: def.Fields, read: map[string]bool{}, memory: maxJSONMemory}
	rows := def.Parse.Rows
	if rows == "" {
		rows = defaultJSONRows
	}
	r.rows = compile("parse.rows", rows)
	r.stream = streamOf(rows, def.Expect.Total)
	if def.Expect.Total != "" {
		r.total = compile("expect.total", def.Expect.Total)
	}
	for _, field := range def.Fields {
		var from []jsonSource
		for i, source := range sourcesOf(field) {
			program := jqProgram(field, source)
			from = append(from, jsonSource{compile(sourcePath(field, i), program), plainPath(program)})
			for _, key := range namedKeys(program) {
				r.read[key] = true
			}
		}
		r.from = append(r.from, from)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

// jqProgram gives the program of a source: an index reads the element of a row
// that is an array, and a field without `from` reads the key of its own name.
func jqProgram(field register.Field, source register.Source) string {
	switch {
	case source.ByIndex:
		return fmt.Sprintf(".[%d]", source.Index)
	case len(field.From) == 0:
		return "." + field.Name
	}
	return source.Name
}

func compileJQ(program string) (*gojq.Code, error) {
	if strings.TrimSpace(program) == "" {
		return nil, errors.New("it is empty")
	}
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, err
	}
	return gojq.Compile(query)
}

var bareKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ .-]*$`)

func jqHint(program string) string {
	if bareKey.MatchString(program) {
		return fmt.Sprintf("a key is written with a dot before it: .%s, or .[%q]", strings.ReplaceAll(program, " ", "_"), program)
	}
	return "see https://jqlang.org/manual/"
}

// Read implements [Reader]. Where the rows are the elements of one array, each is
// handed on before the next is read; so those before a flaw are, too.
func (r *jsonReader) Read(ctx context.Context, body io.Reader, emit func(Row) error) (reading Reading, err error) {
	seen, rows := newSeen(r.fields), 0
	row := func(value any) error {
		rows++
		return emit(r.row(ctx, rows, value, seen))
	}
	defer func() {
		reading.Shape = seen.shape(rows, func(column string) bool { return r.read[column] })
	}()
	var document any
	if r.stream != nil {
		document, err = streamJSON(ctx, body, r.memory, r.stream, row)
	} else {
		document, err = decodeJSON(ctx, body, r.memory)
	}
	if err != nil {
		return reading, err
	}
	if r.total != nil {
		cell, _ := runJQ(ctx, r.total, document)
		reading.Total = cell.Text
	}
	return reading, eachJQ(ctx, r.rows, document, row)
}

// eachJQ hands each value of a rows program to do.
func eachJQ(ctx context.Context, code *gojq.Code, document any, do func(any) error) error {
	values := code.RunWithContext(ctx, document)
	for {
		value, ok := values.Next()
		if !ok {
			return ctx.Err()
		}
		if err, ok := value.(error); ok {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &register.Failure{Class: register.ClassShape, Hint: "parse.rows names a place that is not there", Err: fmt.Errorf("parse.rows: %w", err)}
		}
		if err := do(value); err != nil {
			return err
		}
	}
}

func (r *jsonReader) row(ctx context.Context, number int, value any, seen *seen) Row {
	if object, ok := value.(map[string]any); ok {
		seen.keys(object)
	}
	row := Row{Line: number, Cells: make([]Cell, len(r.fields))}
	for i, from := range r.from {
		row.Cells[i] = firstFilled(len(from), func(n int) Cell {
			cell, found := from[n].cell(ctx, value)
			seen.found[i] = seen.found[i] || found
			return cell
		})
	}
	return row
}

// cell runs the program on a row, and reports whether its column is there.
func (s jsonSource) cell(ctx context.Context, row any) (Cell, bool) {
	if s.steps == nil {
		return runJQ(ctx, s.code, row)
	}
	var texts []string
	found := walk(row, s.steps, func(value any) { texts = appendTexts(texts, value) })
	return cellOf(texts), found
}

// runJQ gives a program's values as repeats. A program that can not run on this
// value finds nothing.
func runJQ(ctx context.Context, code *gojq.Code, input any) (Cell, bool) {
	var texts []string
	found := false
	values := code.RunWithContext(ctx, input)
	for {
		value, ok := values.Next()
		if !ok {
			return cellOf(texts), found
		}
		if _, failed := value.(error); failed {
			return cellOf(texts), found
		}
		found = found || value != nil
		texts = appendTexts(texts, value)
	}
}

// appendTexts adds a value, or each of an array's.
func appendTexts(texts []string, value any) []string {
	repeats, ok := value.([]any)
	if !ok {
		return append(texts, jsonText(value))
	}
	for _, repeat := range repeats {
		texts = append(texts, jsonText(repeat))
	}
	return texts
}

// jsonText gives a value as published: strings as they are, numbers with every
// digit, objects and inner arrays as compact JSON, null as nothing.
func jsonText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	text, err := gojq.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

var (
	plainSteps = regexp.MustCompile(`^(\.[A-Za-z_][A-Za-z0-9_]*|\[\]|\?)+$`)
	plainStep  = regexp.MustCompile(`\.([A-Za-z_][A-Za-z0-9_]*)|\[\]`)
	jqName     = regexp.MustCompile(`\.\s*([A-Za-z_][A-Za-z0-9_]*)|"((?:[^"\\]|\\.)*)"`)
)

// plainPath gives the steps of a program such as .a.b[].c; nil for any other.
func plainPath(program string) []string {
	program = strings.TrimSpace(program)
	if !plainSteps.MatchString(program) {
		return nil
	}
	steps := []string{}
	for _, match := range plainStep.FindAllStringSubmatch(program, -1) {
		steps = append(steps, match[1])
	}
	return steps
}

// namedKeys gives the keys that a program may read.
func namedKeys(program string) []string {
	var keys []string
	for _, match := range jqName.FindAllStringSubmatch(program, -1) {
		keys = append(keys, match[1]+match[2])
	}
	return keys
}

// walk hands each value at the end of a path to yield, and reports whether the
// path is there, be it with null at its end or an empty array on the way.
func walk(value any, steps []string, yield func(any)) bool {
	if len(steps) == 0 {
		yield(value)
		return true
	}
	if steps[0] != "" {
		object, _ := value.(map[string]any)
		inner, ok := object[steps[0]]
		return ok && walk(inner, steps[1:], yield)
	}
	var elements []any
	switch v := value.(type) {
	case nil:
	case []any:
		elements = v
	case map[string]any:
		for _, key := range sortedKeys(v) {
			elements = append(elements, v[key])
		}
	default:
		return false
	}
	found := len(elements) == 0
	for _, element := range elements {
		found = walk(element, steps[1:], yield) || found
	}
	return found
}
