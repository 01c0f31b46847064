package format

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// defaultXMLRows takes each child of the root.
const defaultXMLRows = "*/*"

// maxXMLDepth bounds how deep elements may stand in each other.
const maxXMLDepth = 256

// xmlReader reads the entry elements of an XML document as a stream: it holds
// one of them at a time. Entities that a document declares are not expanded,
// and nothing that it names is fetched.
type xmlReader struct {
	rows   []xmlPath
	fields []register.Field
	from   [][]xmlPath
	read   map[string]bool
}

// xmlPath is a path of local names: elements, "*" for any, and at its end
// perhaps an attribute. From the document's root for rows, from the entry
// element for fields, where the empty path is the element itself.
type xmlPath struct {
	steps     []string
	attribute string
}

func newXML(def register.Definition) (Reader, []register.FieldError) {
	errs := append(unused(def.Parse), noTotal(def)...)
	r := &xmlReader{fields: def.Fields, read: map[string]bool{}}
	rows := def.Parse.Rows
	if rows == "" {
		rows = defaultXMLRows
	}
	for one := range strings.SplitSeq(rows, "|") {
		path, err := parseXMLPath(one)
		if err == nil && (len(path.steps) == 0 || path.attribute != "") {
			err = errors.New("it does not name an element")
		}
		if err != nil {
			errs = append(errs, register.FieldError{Path: "parse.rows", Message: "is not a path of elements: " + err.Error(), Hint: "local names from the root, such as register/content"})
		}
		r.rows = append(r.rows, path)
	}
	for _, field := range def.Fields {
		var from []xmlPath
		for i, source := range sourcesOf(field) {
			path, err := parseXMLPath(source.Name)
			if source.ByIndex {
				err = errors.New("XML has no numbered columns")
			}
			if err != nil {
				errs = append(errs, register.FieldError{Path: sourcePath(field, i), Message: "is not a path: " + err.Error(), Hint: "local names within the entry, such as NAME, ADDRESS/CITY or @id"})
			}
			from = append(from, path)
			r.read[path.first()] = true
		}
		r.from = append(r.from, from)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

func parseXMLPath(text string) (xmlPath, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "/")
	var path xmlPath
	if text == "." {
		return path, nil
	}
	for step := range strings.SplitSeq(text, "/") {
		name, isAttribute := strings.CutPrefix(step, "@")
		switch {
		case path.attribute != "":
			return path, fmt.Errorf("nothing can follow @%s", path.attribute)
		case name == "" || strings.ContainsAny(name, " \t\r\n@[]()=:'\"") || strings.Contains(name, ".."):
			return path, fmt.Errorf("%q is not a local name", step)
		case isAttribute:
			path.attribute = name
		default:
			path.steps = append(path.steps, name)
		}
	}
	return path, nil
}

// first is the column that the path begins with.
func (p xmlPath) first() string {
	if len(p.steps) > 0 {
		return p.steps[0]
	}
	return "@" + p.attribute
}

// matches reports whether the names from the root are this path.
func (p xmlPath) matches(names []string) bool {
	if len(names) != len(p.steps) {
		return false
	}
	for i, step := range p.steps {
		if step != "*" && step != names[i] {
			return false
		}
	}
	return true
}

// Read implements [Reader].
func (r *xmlReader) Read(ctx context.Context, body io.Reader, emit func(Row) error) (Reading, error) {
	decoder := xml.NewDecoder(body)
	// The body was decoded before: what the declaration says no longer holds.
	decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil }
	d := &xmlDocument{ctx: ctx, decoder: decoder}
	seen := newSeen(r.fields)
	rows := 0
	err := d.each(r.rows, func(line int, entry *xmlElement) error {
		rows++
		return emit(r.row(line, entry, seen))
	})
	return Reading{Shape: seen.shape(rows, func(column string) bool { return r.read[column] })}, err
}

func (r *xmlReader) row(line int, entry *xmlElement, seen *seen) Row {
	for _, attribute := range entry.attributes {
		if attribute.Name.Space != "xmlns" && attribute.Name.Local != "xmlns" {
			seen.column("@" + attribute.Name.Local)
		}
	}
	for _, child := range entry.children {
		seen.column(child.name)
	}
	row := Row{Line: line, Cells: make([]Cell, len(r.fields))}
	for i, from := range r.from {
		row.Cells[i] = firstFilled(len(from), func(n int) Cell {
			texts, found := entry.find(from[n], nil)
			seen.found[i] = seen.found[i] || found
			return cellOf(texts)
		})
	}
	return row
}

// xmlElement is an entry element, or a part of one.
type xmlElement struct {
	name       string
	attributes []xml.Attr
	text       strings.Builder // of the element and of all within it
	children   []*xmlElement
}

// find collects the texts at a path, and reports whether anything stands there.
func (e *xmlElement) find(path xmlPath, texts []string) ([]string, bool) {
	if len(path.steps) == 0 {
		if path.attribute == "" {
			return append(texts, strings.TrimSpace(e.text.String())), true
		}
		for _, attribute := range e.attributes {
			if attribute.Name.Local == path.attribute {
				return append(texts, attribute.Value), true
			}
		}
		return texts, false
	}
	any := false
	for _, child := range e.children {
		if path.steps[0] == "*" || path.steps[0] == child.name {
			var found bool
			texts, found = child.find(xmlPath{path.steps[1:], path.attribute}, texts)
			any = any || found
		}
	}
	return texts, any
}

// xmlDocument walks the tokens of a document.
type xmlDocument struct {
	ctx     context.Context
	decoder *xml.Decoder
	names   []string      // of the open elements
	open    []*xmlElement // from the entry element inwards; empty outside of one
	rooted  bool          // an element was seen
	tokens  int
}

// each hands every element at one of the paths to do, when it is closed.
func (d *xmlDocument) each(paths []xmlPath, do func(line int, entry *xmlElement) error) error {
	line := 0
	for {
		if d.tokens++; d.tokens%4096 == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		token, err := d.decoder.Token()
		if errors.Is(err, io.EOF) {
			return d.ended()
		}
		if err != nil {
			return d.broken(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			at, _ := d.decoder.InputPos()
			if d.names = append(d.names, token.Name.Local); len(d.names) > maxXMLDepth {
				return unreadable(at, "", "not XML that we read: elements are nested deeper than %d", maxXMLDepth)
			}
			if len(d.open) == 0 {
				line = at
			}
			d.start(token, paths)
		case xml.CharData:
			for _, element := range d.open {
				element.text.Write(token)
			}
		case xml.EndElement:
			d.names = d.names[:len(d.names)-1]
			if entry := d.end(); entry != nil {
				if err := do(line, entry); err != nil {
					return err
				}
			}
		}
	}
}

func (d *xmlDocument) start(token xml.StartElement, paths []xmlPath) {
	d.rooted = true
	d.separate()
	isEntry := false
	for _, path := range paths {
		isEntry = isEntry || path.matches(d.names)
	}
	if len(d.open) == 0 && !isEntry {
		return
	}
	element := &xmlElement{name: token.Name.Local, attributes: token.Copy().Attr}
	if len(d.open) > 0 {
		parent := d.open[len(d.open)-1]
		parent.children = append(parent.children, element)
	}
	d.open = append(d.open, element)
}

// end closes an element, and gives it back if it was the entry.
func (d *xmlDocument) end() *xmlElement {
	if len(d.open) == 0 {
		return nil
	}
	element := d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	d.separate()
	if len(d.open) > 0 {
		return nil
	}
	return element
}

// separate keeps the texts of two elements apart where nothing stands between.
func (d *xmlDocument) separate() {
	for _, element := range d.open {
		element.text.WriteByte(' ')
	}
}

func (d *xmlDocument) ended() error {
	if !d.rooted {
		return unreadable(1, "", "not XML: there is no element")
	}
	return nil
}

// broken gives the failure of the document's syntax; an error of the body, or of
// its reader, stays what it is.
func (d *xmlDocument) broken(err error) error {
	if d.ctx.Err() != nil {
		return d.ctx.Err()
	}
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return unreadable(syntax.Line, "", "not XML: %s", syntax.Msg)
	}
	return err
}
