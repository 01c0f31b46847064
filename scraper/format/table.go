package format

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// Bounds of what colspan and rowspan may claim, as browsers have them.
const (
	maxColspan = 1000
	maxRowspan = 65534
	maxSpanned = 1 << 20 // places in one table that are filled by spanning
)

// table is an HTML table laid out as a grid: a cell that spans several columns
// or rows stands in each of them.
type table struct {
	columns []string // folded texts of the header cells, by column; nil without a header
	grid    map[*html.Node][]*html.Node
	headers map[*html.Node]bool
}

// layTable lays a table out and finds its header: the last row of its thead;
// else its first row, where that is all th, or holds a name that a field reads.
func layTable(owner *html.Node, isNamed func(column string) bool) *table {
	t := &table{grid: map[*html.Node][]*html.Node{}, headers: map[*html.Node]bool{}}
	rows := tableRows(owner, nil)
	t.lay(rows)
	var header *html.Node
	for _, row := range rows {
		if row.Parent.Data == "thead" {
			t.headers[row] = true
			header = row
		}
	}
	if header == nil && len(rows) > 0 {
		first := rows[0]
		if t.allHeaderCells(first) || slices.ContainsFunc(t.names(first), isNamed) {
			header = first
		}
	}
	if header == nil {
		return t
	}
	t.headers[header] = true
	t.columns = t.names(header)
	for _, row := range rows { // a header that is repeated further down
		if t.allHeaderCells(row) && slices.Equal(t.names(row), t.columns) {
			t.headers[row] = true
		}
	}
	return t
}

// tableRows collects the rows of a table in order, but not those of tables in
// its cells.
func tableRows(node *html.Node, rows []*html.Node) []*html.Node {
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		switch child.Data {
		case "tr":
			rows = append(rows, child)
		case "thead", "tbody", "tfoot":
			rows = tableRows(child, rows)
		}
	}
	return rows
}

// lay fills the grid. What a cell spans ends with its group of rows.
func (t *table) lay(rows []*html.Node) {
	type span struct {
		cell *html.Node
		rows int // still to come
	}
	var above []span
	spanned := 0
	for i, row := range rows {
		if i > 0 && rows[i-1].Parent != row.Parent {
			above = nil
		}
		var line []*html.Node
		next := make([]span, 0, len(above))
		put := func(cell *html.Node, left int) {
			line = append(line, cell)
			next = append(next, span{cell, left})
		}
		fill := func() { // columns that a cell above still takes
			for at := len(line); at < len(above) && above[at].rows > 0 && spanned < maxSpanned; at = len(line) {
				spanned++
				put(above[at].cell, above[at].rows-1)
			}
		}
		for cell := row.FirstChild; cell != nil; cell = cell.NextSibling {
			if cell.Data != "td" && cell.Data != "th" || len(line) > maxColumn {
				continue
			}
			fill()
			put(cell, spanOf(cell, "rowspan", maxRowspan)-1)
			for range min(spanOf(cell, "colspan", maxColspan)-1, maxSpanned-spanned) {
				spanned++
				put(cell, spanOf(cell, "rowspan", maxRowspan)-1)
			}
		}
		fill()
		t.grid[row] = line
		above = next
	}
}

func spanOf(cell *html.Node, name string, limit int) int {
	for _, attribute := range cell.Attr {
		if attribute.Key == name {
			if n, err := strconv.Atoi(strings.TrimSpace(attribute.Val)); err == nil && n > 0 {
				return min(n, limit)
			}
		}
	}
	return 1
}

func (t *table) names(row *html.Node) []string {
	names := make([]string, len(t.grid[row]))
	for i, cell := range t.grid[row] {
		names[i] = fold(textOf(cell))
	}
	return names
}

func (t *table) allHeaderCells(row *html.Node) bool {
	cells := t.grid[row]
	return len(cells) > 0 && !slices.ContainsFunc(cells, func(cell *html.Node) bool { return cell.Data != "th" })
}

func (t *table) isHeader(row *html.Node) bool { return t.headers[row] }

// cell gives the cell of a row in a column, if the row has so many.
func (t *table) cell(row *html.Node, column int) []*html.Node {
	if cells := t.grid[row]; column < len(cells) {
		return cells[column : column+1]
	}
	return nil
}
