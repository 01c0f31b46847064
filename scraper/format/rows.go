package format

import (
	"bytes"

	"github.com/regwatch/regwatch/register"
)

// Rows says how the rows of one page are told apart in its bytes as they were
// published, so that a row that was read before need not be read again. It holds
// for encodings in which a line feed, a quote and the delimiter are the bytes
// that they are in ASCII, and stand for nothing else.
type Rows struct {
	Start  int    // where the first row begins
	Header []byte // its bytes, without a byte order mark and line end: under another one a row says something else
	Quoted bool   // csv: between quotes a line feed ends no row
	Lazy   bool   // csv: quotes may stand anywhere, so that a page that holds one must be read
	Comma  byte   // csv: what separates cells
	Named  bool   // ndjson: rows name their own columns

	// Cells gives by field the only cell that it is read from; -1 where it is
	// read from several, or from none.
	Cells []int
}

// RowBytes is what formats implement whose rows can be told apart without being
// read.
type RowBytes interface {
	// RowsOf looks at the beginning of a page. Decode gives its text. It reports
	// false where the page must be read whole.
	RowsOf(head []byte, decode func([]byte) string) (Rows, bool)
}

const (
	lineFeed     = '\n'
	quote        = '"'
	byteOrderUTF = "\xef\xbb\xbf"
)

// Next gives the row at the beginning of b without its line end, and how many
// bytes it takes up with it; 0: its end is not in b.
func (r *Rows) Next(b []byte) (row []byte, size int) {
	open := false
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], lineFeed)
		if i < 0 {
			return nil, 0
		}
		if r.Quoted && bytes.IndexByte(b[at:at+i], quote) >= 0 {
			open = open != (bytes.Count(b[at:at+i], []byte{quote})%2 == 1)
		}
		at += i + 1
		if !open {
			return TrimEnd(b[:at-1]), at
		}
	}
}

// Each yields the rows in b, which lies at a place of the page, with the place of each and
// whether a quote is in it; empty ones are passed over. It reports how many bytes are
// rows: all, unless the last one does not end.
func (r *Rows) Each(b []byte, place int64, yield func(row []byte, at int64, quoted bool) error) (whole int, err error) {
	from := func(at int) int { // the next quote
		if i := bytes.IndexByte(b[at:], quote); i >= 0 {
			return at + i
		}
		return len(b)
	}
	next := from(0)
	for at := 0; at < len(b); {
		end := bytes.IndexByte(b[at:], lineFeed)
		if end < 0 {
			return at, nil
		}
		row, size := TrimEnd(b[at:at+end]), end+1
		quoted := next < at+end
		if quoted && r.Quoted && bytes.Count(row, []byte{quote})%2 == 1 { // the line ends between quotes
			if row, size = r.Next(b[at:]); size == 0 {
				return at, nil
			}
		}
		if quoted {
			next = from(at + size)
		}
		if len(row) > 0 {
			if err := yield(row, place+int64(at), quoted); err != nil {
				return at, err
			}
		}
		at += size
	}
	return len(b), nil
}

// Whole gives how many bytes at the beginning of b end rows, where b begins between quotes
// or not, and whether it ends there.
func (r *Rows) Whole(b []byte, open bool) (whole int, openAtEnd bool) {
	if !r.Quoted {
		return bytes.LastIndexByte(b, lineFeed) + 1, false
	}
	open = open != (bytes.Count(b, []byte{quote})%2 == 1)
	openAtEnd = open
	for end := len(b); ; {
		i := bytes.LastIndexByte(b[:end], lineFeed)
		if i < 0 {
			return 0, openAtEnd
		}
		if bytes.Count(b[i:end], []byte{quote})%2 == 1 {
			open = !open
		}
		if !open {
			return i + 1, openAtEnd
		}
		end = i
	}
}

// TrimEnd takes off the carriage return of a line's end.
func TrimEnd(row []byte) []byte {
	if n := len(row); n > 0 && row[n-1] == '\r' {
		return row[:n-1]
	}
	return row
}

// WellFormed reports whether the quotes of a row stand as RFC 4180 has them. One
// that is not may not be taken for a row at all.
func (r *Rows) WellFormed(row []byte) bool {
	if bytes.IndexByte(row, quote) < 0 {
		return true
	}
	if !r.Quoted {
		return !r.Lazy
	}
	for {
		cell, size, ok := r.cell(row)
		if !ok {
			return false
		}
		if len(cell) == 0 || cell[0] != quote {
			if bytes.IndexByte(cell, quote) >= 0 {
				return false
			}
		}
		if size > len(row) {
			return true
		}
		row = row[size:]
	}
}

// cell gives the first cell of a row with its quotes, and the bytes it takes up
// with the delimiter behind it: more than the row has where it is the last.
func (r *Rows) cell(row []byte) (cell []byte, size int, ok bool) {
	if len(row) == 0 || row[0] != quote || !r.Quoted {
		if i := bytes.IndexByte(row, r.Comma); i >= 0 {
			return row[:i], i + 1, true
		}
		return row, len(row) + 1, true
	}
	for at := 1; ; {
		i := bytes.IndexByte(row[at:], quote)
		if i < 0 {
			return nil, 0, false
		}
		at += i + 1
		switch {
		case at == len(row):
			return row, at + 1, true
		case row[at] == quote:
			at++
		case row[at] == r.Comma:
			return row[:at], at + 1, true
		default:
			return nil, 0, false
		}
	}
}

// Cell gives a cell of a row as it was published, without the quotes around it;
// nil where the row has no such cell.
func (r *Rows) Cell(row []byte, n int) []byte {
	if r.Comma == 0 {
		return row
	}
	for ; ; n-- {
		cell, size, ok := r.cell(row)
		if !ok {
			return nil
		}
		if n == 0 {
			if len(cell) > 1 && cell[0] == quote && r.Quoted {
				return cell[1 : len(cell)-1]
			}
			return cell
		}
		if size > len(row) {
			return nil
		}
		row = row[size:]
	}
}

// RowsOf implements [RowBytes].
func (r *csvReader) RowsOf(head []byte, decode func([]byte) string) (Rows, bool) {
	rows := Rows{Quoted: !r.parse.Lazy, Lazy: r.parse.Lazy, Comma: byte(r.comma)}
	if r.comma >= 0x80 {
		return rows, false
	}
	body := bytes.TrimPrefix(head, []byte(byteOrderUTF))
	rows.Start = len(head) - len(body)
	for range r.parse.Skip {
		i := bytes.IndexByte(head[rows.Start:], lineFeed)
		if i < 0 {
			return rows, false
		}
		rows.Start += i + 1
	}
	var columns []string
	for {
		row, size := rows.Next(head[rows.Start:])
		if size == 0 {
			return rows, false
		}
		if len(row) == 0 {
			rows.Start += size
			continue
		}
		records := newCSVRecords(bytes.NewReader([]byte(decode(row))), r.comma, r.parse)
		if records.next() != nil {
			return rows, false
		}
		columns = numbered(len(records.record))
		if !r.parse.NoHeader {
			columns, rows.Header = foldAll(records.record), bytes.Clone(row)
			rows.Start += size
		}
		break
	}
	for _, places := range r.places(columns) {
		rows.Cells = append(rows.Cells, only(places))
	}
	return rows, true
}

func only(places []int) int {
	if len(places) == 1 {
		return places[0]
	}
	return -1
}

// RowsOf implements [RowBytes].
func (r *textReader) RowsOf(head []byte, _ func([]byte) string) (Rows, bool) {
	rows := Rows{Start: len(head) - len(bytes.TrimPrefix(head, []byte(byteOrderUTF)))}
	for range r.fields {
		rows.Cells = append(rows.Cells, only(make([]int, 1)))
	}
	return rows, r.rows == nil
}

var _ = []RowBytes{(*csvReader)(nil), (*textReader)(nil), (*ndjsonReader)(nil)}

// HasRowBytes reports whether a definition's rows can be told apart by their
// bytes.
func HasRowBytes(p register.Parse) bool {
	switch p.Format {
	case register.FormatCSV:
		return true
	case register.FormatText:
		return p.Rows == ""
	case register.FormatNDJSON:
		return p.Rows == "" || p.Rows == wholeLine
	}
	return false
}
