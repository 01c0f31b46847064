package format

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"

	"github.com/regwatch/regwatch/register"
)

// defaultHTMLRows takes every table row.
const defaultHTMLRows = "tr"

// htmlReader reads the elements of a web page that are rows: of a table, of a
// list, or any that a CSS selector finds.
type htmlReader struct {
	rows   cascadia.Selector
	total  cascadia.Selector
	fields []register.Field
	from   [][]htmlSource
	memory uint64 // that a page may take, in bytes
}

// htmlSource is where a field is read from in a row element: a header cell's
// column, a column by index, or what a selector finds in the row. A selector may
// end in @attribute; "." and ":scope" are the row element itself.
type htmlSource struct {
	source    register.Source
	selector  cascadia.Selector // nil: no selector
	self      bool
	attribute string
}

func newHTML(def register.Definition) (Reader, []register.FieldError) {
	errs := unused(def.Parse)
	r := &htmlReader{fields: def.Fields, memory: MaxHTMLMemory}
	compile := func(path, text string) cascadia.Selector {
		selector, err := cascadia.Compile(text)
		if err != nil {
			errs = append(errs, register.FieldError{Path: path, Message: "is not a CSS selector: " + err.Error(), Hint: "such as table.list tbody tr"})
		}
		return selector
	}
	rows := def.Parse.Rows
	if rows == "" {
		rows = defaultHTMLRows
	}
	r.rows = compile("parse.rows", rows)
	if def.Expect.Total != "" {
		r.total = compile("expect.total", def.Expect.Total)
	}
	for _, field := range def.Fields {
		var from []htmlSource
		for i, source := range sourcesOf(field) {
			compiled, err := newHTMLSource(source)
			if err != nil {
				errs = append(errs, register.FieldError{
					Path: sourcePath(field, i), Message: err.Error(),
					Hint: "a header cell's text, a zero-based index, or a CSS selector within the row; a@href reads an attribute, . the row itself",
				})
			}
			from = append(from, compiled)
		}
		r.from = append(r.from, from)
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

var (
	attributeSuffix = regexp.MustCompile(`^([^@]*)@([A-Za-z][A-Za-z0-9_:-]*)$`)
	looksSelective  = regexp.MustCompile(`^[.#][A-Za-z_]|[>~]|\[[^\]]*=|:(nth|first|last|not|has|contains|matches)`)
)

func newHTMLSource(source register.Source) (htmlSource, error) {
	s := htmlSource{source: source}
	if source.ByIndex {
		if source.Index < 0 || source.Index > maxColumn {
			return s, fmt.Errorf("there is no column %d", source.Index)
		}
		return s, nil
	}
	text := strings.TrimSpace(source.Name)
	if match := attributeSuffix.FindStringSubmatch(text); match != nil {
		text, s.attribute = strings.TrimSpace(match[1]), strings.ToLower(match[2])
	}
	switch text {
	case "":
		if s.attribute == "" {
			return s, fmt.Errorf("is empty")
		}
		s.self = true
		return s, nil
	case ".", ":scope":
		s.self = true
		return s, nil
	}
	selector, err := cascadia.Compile(text)
	if err == nil {
		s.selector = selector
		return s, nil
	}
	if s.attribute != "" || looksSelective.MatchString(text) {
		return s, fmt.Errorf("is not a CSS selector: %w", err)
	}
	return s, nil // words of a header cell
}

func (s htmlSource) mayNameColumn() bool {
	return !s.source.ByIndex && !s.self && s.attribute == ""
}

// CheckHTML gives the error with which a page can not be read as HTML: nested too
// deep, or taking more memory than that, in bytes. It is for what parses the page
// next and knows no bounds.
func CheckHTML(ctx context.Context, body io.Reader, memory uint64) error {
	_, err := parseHTML(ctx, body, memory)
	return err
}

func parseHTML(ctx context.Context, body io.Reader, memory uint64) (*html.Node, error) {
	held := &frugalReader{
		body: body, limit: memory, what: "not HTML that we read: its elements",
		hint: "few pages are so by accident; see what the address serves, and ask the authority for the register as a file",
	}
	root, err := html.Parse(held)
	switch {
	case err == nil:
		return root, nil
	case held.err != nil:
		return nil, held.err
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case strings.HasPrefix(err.Error(), "html: "):
		return nil, unreadable(0, "", "not HTML that we read: %w", err)
	}
	return nil, err
}

// Read implements [Reader]. The page is held as a whole; one that is nested
// deeper than its parser goes is an error.
func (r *htmlReader) Read(ctx context.Context, body io.Reader, emit func(Row) error) (Reading, error) {
	root, err := parseHTML(ctx, body, r.memory)
	if err != nil {
		return Reading{}, err
	}
	document := goquery.NewDocumentFromNode(root)
	var reading Reading
	if r.total != nil {
		reading.Total = textOf(document.FindMatcher(r.total).First().Nodes...)
	}
	page := &htmlPage{reader: r, seen: newSeen(r.fields), tables: map[*html.Node]*table{}, read: map[string]bool{}}
	number := 0
	for _, node := range document.FindMatcher(r.rows).Nodes {
		if ctx.Err() != nil {
			return reading, ctx.Err()
		}
		row, ok := page.row(node)
		if !ok {
			continue
		}
		number++
		row.Line = number
		if err := emit(row); err != nil {
			return reading, err
		}
	}
	if number == 0 {
		page.noteHeaders(document.FindMatcher(tables).Nodes)
	}
	reading.Shape = page.seen.shape(number, func(column string) bool { return page.read[column] })
	return reading, nil
}

var tables = cascadia.MustCompile("table")

// noteHeaders notes the columns of the tables of a page without rows: a table
// that is empty shows itself by its header, and one that is not there does not.
// Of several it is the one that fields name.
func (p *htmlPage) noteHeaders(owners []*html.Node) {
	isNamed := func(owner *html.Node) bool {
		return slices.ContainsFunc(layTable(owner, p.reader.isNamed).columns, p.reader.isNamed)
	}
	if i := slices.IndexFunc(owners, isNamed); i >= 0 {
		owners = owners[i : i+1]
	}
	for _, owner := range owners {
		p.layOut(owner)
	}
}

// htmlPage is one page while its rows are read.
type htmlPage struct {
	reader *htmlReader
	seen   *seen
	tables map[*html.Node]*table
	read   map[string]bool // columns from which a field was read, by name
}

// row gives the cells of a row element; false for a table's header.
func (p *htmlPage) row(node *html.Node) (Row, bool) {
	t := p.tableOf(node)
	if t != nil && t.isHeader(node) {
		return Row{}, false
	}
	row := Row{Cells: make([]Cell, len(p.reader.fields))}
	for i, from := range p.reader.from {
		row.Cells[i] = firstFilled(len(from), func(n int) Cell {
			nodes, found := from[n].find(node, t)
			p.seen.found[i] = p.seen.found[i] || found
			p.note(node, t, nodes)
			return from[n].cell(nodes)
		})
	}
	return row, true
}

// tableOf gives the table of a table row, laid out once; nil for other elements.
func (p *htmlPage) tableOf(node *html.Node) *table {
	if node.Data != "tr" {
		return nil
	}
	owner := node.Parent
	for owner != nil && owner.Data != "table" {
		owner = owner.Parent
	}
	if owner == nil {
		return nil
	}
	return p.layOut(owner)
}

func (p *htmlPage) layOut(owner *html.Node) *table {
	t, ok := p.tables[owner]
	if !ok {
		t = layTable(owner, p.reader.isNamed)
		p.tables[owner] = t
		for _, column := range t.columns {
			if column != "" {
				p.seen.column(column)
				p.read[column] = p.read[column] || p.reader.isNamed(column)
			}
		}
	}
	return t
}

// isNamed reports whether some field is read from a column of that name.
func (r *htmlReader) isNamed(column string) bool {
	for _, from := range r.from {
		for _, s := range from {
			if s.mayNameColumn() && fold(s.source.Name) == column {
				return true
			}
		}
	}
	return false
}

// note marks the columns in which what a field reads stands.
func (p *htmlPage) note(row *html.Node, t *table, nodes []*html.Node) {
	if t == nil || t.columns == nil {
		return
	}
	for _, node := range nodes {
		for node != row && node != nil && node.Parent != row {
			node = node.Parent
		}
		for column, cell := range t.grid[row] {
			if column < len(t.columns) && (cell == node || node == row) {
				p.read[t.columns[column]] = true
			}
		}
	}
}

// find gives the elements that hold the field's value in a row.
func (s htmlSource) find(row *html.Node, t *table) ([]*html.Node, bool) {
	if s.self {
		return []*html.Node{row}, true
	}
	if t != nil && (s.source.ByIndex || s.mayNameColumn()) {
		if at := columnOf(t.columns, s.source); at >= 0 {
			cell := t.cell(row, at)
			return cell, !s.source.ByIndex || len(cell) > 0
		}
	}
	if s.source.ByIndex {
		var cell []*html.Node
		if t != nil {
			cell = t.cell(row, s.source.Index)
		} else {
			cell = childAt(row, s.source.Index)
		}
		return cell, len(cell) > 0
	}
	if s.selector == nil {
		return nil, false
	}
	nodes := goquery.NewDocumentFromNode(row).FindMatcher(s.selector).Nodes
	return nodes, len(nodes) > 0
}

func (s htmlSource) cell(nodes []*html.Node) Cell {
	var texts []string
	for _, node := range nodes {
		if s.attribute == "" {
			texts = append(texts, textOf(node))
			continue
		}
		for _, attribute := range node.Attr {
			if attribute.Key == s.attribute {
				texts = append(texts, strings.TrimSpace(attribute.Val))
			}
		}
	}
	return cellOf(texts)
}

// childAt gives the nth element within another, if there are so many.
func childAt(parent *html.Node, n int) []*html.Node {
	for child := parent.FirstChild; child != nil; child = child.NextSibling {
		if child.Type != html.ElementNode {
			continue
		}
		if n == 0 {
			return []*html.Node{child}
		}
		n--
	}
	return nil
}
