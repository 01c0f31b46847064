package scraper

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// Known is the entries of a head while a page is read: what of them the page
// shows need not be kept, nor read where its bytes are those of a row that was
// read before. It is used by one reading at a time.
type Known interface {
	// Begin forgets what was seen and learned.
	Begin()
	// Expect makes room for about so many entries where none is known and they will
	// be learned.
	Expect(entries int)
	// Learns reports whether none is known, and each that is seen will be.
	Learns() bool
	// Rows gives the number that keys the hashes of rows, and whether any row is
	// known by its bytes.
	Rows() (seed uint64, ok bool)
	// SeeRows notes rows of one part, see [register.RowHash.Part]; it may be called for several parts at once. It calls missed for each row that
	// is not known, and counts those whose entry was seen before on this page.
	SeeRows(part int, hashes []register.RowHash, scratch []uint32, missed func(i int)) (again int, lent []uint32)
	// SeeEntry notes an entry; SeeEntries does for some, out of very many.
	SeeEntry(identity register.Hash) (known, again bool)
	SeeEntries(identities []register.Hash) (known, again []bool)
	// Seen tells of the entries that were seen so far.
	Seen() (again register.Again, filled, odd [maxFacts + 1]int)
	// Learn remembers by its bytes the row that an entry was read from.
	Learn(identity register.Hash, row register.RowHash, facts register.RowFacts)
}

// maxFacts is how many fields a definition may have for its rows to be known by
// their bytes: what is remembered of each has a bit in [register.RowFacts].
const maxFacts = 31

// rowKey keys the hashes of a page's rows: under another header or in another
// encoding the same bytes say something else.
func rowKey(seed uint64, encoding string, header []byte) uint64 {
	return xxh3.HashSeed(append([]byte(encoding+"\x00"), header...), seed)
}

func rowHashFor(row []byte, key uint64) register.RowHash {
	h := xxh3.Hash128Seed(row, key)
	return register.RowHash{uint32(h.Lo), uint32(h.Lo >> 32), uint32(h.Hi), uint32(h.Hi >> 32)}
}

// rawRows gives the hashes of a page's rows beside their reading, by the lines on
// which they begin.
type rawRows struct {
	body *bufio.Reader
	rows format.Rows
	key  uint64
	line int // on which the next row begins
	row  []byte
	lost bool
}

// newRawRows begins at the first byte of a page.
func newRawRows(body io.Reader, rows format.Rows, key uint64) *rawRows {
	r := &rawRows{body: bufio.NewReaderSize(body, 64<<10), rows: rows, key: key}
	before := make([]byte, rows.Start)
	if _, err := io.ReadFull(r.body, before); err != nil {
		r.lost = true
	}
	r.line = 1 + bytes.Count(before, []byte{'\n'})
	return r
}

// at gives the hash of the row that begins on a line; lines are asked for in
// ascending order.
func (r *rawRows) at(line int) (hash register.RowHash, ok bool) {
	for !r.lost && r.line <= line {
		begins := r.line
		row, err := r.next()
		if err != nil {
			r.lost = true
		}
		if begins == line && len(row) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			return rowHashFor(row, r.key), true
		}
	}
	return hash, false
}

// next reads a row; io.EOF with the last, if it has no line end.
func (r *rawRows) next() ([]byte, error) {
	r.row = r.row[:0]
	for open := false; ; {
		part, err := r.body.ReadSlice('\n')
		r.row = append(r.row, part...)
		if len(r.row) > maxRow {
			return nil, errUnfit
		}
		if r.rows.Quoted && bytes.Count(part, []byte{'"'})%2 == 1 {
			open = !open
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return format.TrimEnd(r.row), err
		}
		r.line++
		if !open {
			return format.TrimEnd(r.row[:len(r.row)-1]), nil
		}
	}
}
