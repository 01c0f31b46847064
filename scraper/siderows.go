package scraper

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/regwatch/regwatch/scraper/format"
)

// sideRows is one of the two pages.
type sideRows struct {
	Saved
	head  []byte
	found encodingFound
	rows  format.Rows
	first int64       // where the first row that is not empty begins
	own   []placedRow // rows that the other page has not
	size  int         // of them, in bytes
}

// placedRow is a row with its line end.
type placedRow struct {
	at    int64
	bytes []byte
}

// side looks at the beginning of a page.
func (r *Reader) side(saved Saved, guessed string) (sideRows, error) {
	s := sideRows{Saved: saved}
	s.head = make([]byte, min(headSize, saved.Page.Bytes))
	if _, err := saved.Body.ReadAt(s.head, 0); err != nil && !errors.Is(err, io.EOF) {
		return s, err
	}
	s.found = findEncoding(r.def.Fetch.Encoding, saved.Page.ResponseHeader.Get("Content-Type"), r.def.Parse.Format, s.head, guessed)
	var err error
	if s.rows, err = r.rowsOf(s.head, s.found); err != nil {
		return s, err
	}
	var ok bool
	if s.first, ok = firstRow(s.rows, s.head); !ok {
		return s, errUnfit
	}
	return s, nil
}

// same reports whether the rows of two sides are told apart, and decoded, alike.
func (s *sideRows) same(other sideRows) bool {
	return s.found.name == other.found.name && s.first == other.first && s.rows.Start == other.rows.Start && bytes.Equal(s.rows.Header, other.rows.Header)
}

// rowsOf says how the rows of a page are told apart by their bytes, or errUnfit.
func (r *Reader) rowsOf(head []byte, found encodingFound) (format.Rows, error) {
	splitter, ok := r.format.(format.RowBytes)
	if !ok || !keepsASCII(found.name) || endsLinesByCR(decodeBytes(found, head)) {
		return format.Rows{}, errUnfit
	}
	rows, ok := splitter.RowsOf(head, func(raw []byte) string { return decodeBytes(found, raw) })
	if !ok {
		return format.Rows{}, errUnfit
	}
	return rows, nil
}

// firstRow finds where the first row that is not empty begins.
func firstRow(rows format.Rows, head []byte) (int64, bool) {
	for at := rows.Start; ; {
		row, size := rows.Next(head[at:])
		if size == 0 || len(row) > 0 {
			return int64(at), size > 0
		}
		at += size
	}
}

// sampleRows gives the first rows of a page.
func sampleRows(rows format.Rows, head []byte) [][]byte {
	const most = 200
	var sample [][]byte
	for at := rows.Start; len(sample) < most; {
		row, size := rows.Next(head[at:])
		if size == 0 {
			break
		}
		sample = append(sample, row)
		at += size
	}
	return sample
}

// keepsASCII reports whether in an encoding the bytes of ASCII stand for nothing
// else, whatever stands before them.
func keepsASCII(name string) bool {
	switch name {
	case "utf-8", "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256",
		"windows-1257", "windows-1258", "windows-874", "koi8-r", "koi8-u", "ibm866", "macintosh", "x-mac-cyrillic",
		"iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6", "iso-8859-7", "iso-8859-8", "iso-8859-8-i",
		"iso-8859-10", "iso-8859-13", "iso-8859-14", "iso-8859-15", "iso-8859-16":
		return true
	}
	return false
}

// estimate guesses how many rows a page has by its first ones.
func (s *sideRows) estimate() int {
	rows, bytes := 0, 0
	for at := s.rows.Start; ; rows++ {
		_, size := s.rows.Next(s.head[at:])
		if size == 0 {
			break
		}
		at, bytes = at+size, bytes+size
	}
	if rows == 0 {
		return 0
	}
	return int(s.Page.Bytes / int64(bytes/rows))
}

// keep notes a row that the other page has not.
func (s *sideRows) keep(row placedRow) error {
	if s.size += len(row.bytes); s.size > mostDiffering {
		return errUnfit
	}
	s.own = append(s.own, row)
	return nil
}

// fetch reads the rows at these places, and puts all in the page's order.
func (s *sideRows) fetch(places []int64) error {
	rows, err := s.rowsAt(places)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := s.keep(row); err != nil {
			return err
		}
	}
	slices.SortFunc(s.own, func(a, b placedRow) int { return cmp.Compare(a.at, b.at) })
	return nil
}

// rowsAt reads the rows at these places, in the page's order.
func (s *sideRows) rowsAt(places []int64) ([]placedRow, error) {
	slices.Sort(places)
	var found []placedRow
	size := 0
	buffer := make([]byte, 1<<10)
	for _, at := range places {
		for {
			n, err := s.Body.ReadAt(buffer[:min(int64(len(buffer)), s.Page.Bytes-at)], at)
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			if _, whole := s.rows.Next(buffer[:n]); whole > 0 {
				found = append(found, placedRow{at, bytes.Clone(buffer[:whole])})
				size += whole
				break
			}
			if len(buffer) > maxRow {
				return nil, errUnfit
			}
			buffer = make([]byte, 2*len(buffer))
		}
		if size > mostDiffering {
			return nil, errUnfit
		}
	}
	return found, nil
}

// some is a page of some rows only.
func (s *sideRows) some(rows []placedRow) io.Reader {
	parts := make([]io.Reader, 0, len(rows)+1)
	parts = append(parts, bytes.NewReader(s.head[:s.rows.Start]))
	for _, row := range rows {
		parts = append(parts, bytes.NewReader(row.bytes))
	}
	return io.MultiReader(parts...)
}
