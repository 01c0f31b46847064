package scraper

import (
	"context"
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/regwatch/regwatch/internal/offheap"
	"github.com/regwatch/regwatch/register"
)

// fewRows is how many rows a page may have whatever the last one had, and be known by
// them: one of 2 GB of single letters would have more than there is memory for.
const fewRows = 1 << 20

// HashedRows is the hashes of a page's rows, to be asked which of them are known.
// It is used once.
type HashedRows struct {
	side sideRows
	rows *pageRows
	last placedRow
}

// HashRows hashes the rows of a page while it arrives; known says by what key, and
// health what the last complete fetch was like. Any error says no more than that the
// page must be read when it is whole.
func (r *Reader) HashRows(ctx context.Context, page register.Page, body Arriving, health register.Health, known Known) (*HashedRows, error) {
	return r.hashRows(ctx, page, body, health, known, health.Entries)
}

// hashRows is HashRows, where the page has about so many rows; 0: it is whole, and
// its beginning says how many.
func (r *Reader) hashRows(ctx context.Context, page register.Page, body Arriving, health register.Health, known Known, rows int) (*HashedRows, error) {
	seed, ok := known.Rows()
	if !ok || len(r.values) > maxFacts {
		return nil, errUnfit
	}
	s, err := r.side(Saved{page, body}, health.Encoding)
	if err != nil {
		return nil, err
	}
	if rows == 0 {
		rows = s.estimate()
	}
	most := 4*health.Entries + fewRows
	h := &HashedRows{side: s, rows: newPageRows(min(rows, most), rowKey(seed, s.found.name, s.rows.Header), s.found.name == "utf-8")}
	h.rows.most = most
	if h.last, err = h.rows.scan(ctx, &h.side, body, r.chunk); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// Close gives back the memory of the hashes; it may be called twice.
func (h *HashedRows) Close() {
	if h != nil {
		h.rows.free()
	}
}

// keepEnds puts the first and the last row with those that are read.
func (h *HashedRows) keepEnds(s *sideRows) error {
	if h.last.at != s.first {
		if err := s.fetch([]int64{s.first}); err != nil {
			return err
		}
	}
	return s.keep(h.last)
}

// pageRows is the hashes of a page's rows, by part, save the first and the last
// row, which are always read.
type pageRows struct {
	key   uint64
	utf8  bool
	parts [register.RowParts]rowPart
	most  int // rows; a page of more is read otherwise
	count atomic.Int64
	chars int

	hashes []register.RowHash // where those of the parts lie, as long as they fit
	places []uint32
}

type rowPart struct {
	mu     sync.Mutex
	hashes []register.RowHash
	places []uint32
}

// newPageRows prepares for about so many rows.
func newPageRows(rows int, key uint64, utf8 bool) *pageRows {
	room := rows/register.RowParts + rows/register.RowParts/16 + 8
	p := &pageRows{key: key, utf8: utf8}
	p.hashes, p.places = offheap.Make[register.RowHash](0, register.RowParts*room), offheap.Make[uint32](0, register.RowParts*room)
	for i := range p.parts {
		from, to := i*room, (i+1)*room
		p.parts[i].hashes, p.parts[i].places = p.hashes[from:from:to], p.places[from:from:to]
	}
	return p
}

// free gives back the memory of the hashes, and may be called twice.
func (p *pageRows) free() {
	for i := range p.parts {
		p.parts[i].hashes, p.parts[i].places = nil, nil
	}
	offheap.Free(p.hashes)
	offheap.Free(p.places)
	p.hashes, p.places = nil, nil
}

// scan hashes the rows of a page, and gives its last one.
func (p *pageRows) scan(ctx context.Context, s *sideRows, body Arriving, chunk int) (last placedRow, err error) {
	var mu sync.Mutex
	end, err := scanRows(ctx, body, s.rows, chunk, watchUTF8(s.found), func() rowWorker {
		return &hashWorker{page: p, side: s, mu: &mu, rows: gather[placedHash]{flush: p.add}}
	})
	if err != nil {
		return last, err
	}
	p.chars += p.charsIn(s.head[s.mark():s.rows.Start]) + p.charsIn(end.bytes)
	return placedRow{end.offset, end.bytes}, nil
}

// hashWorker is one goroutine's part of a scan.
type hashWorker struct {
	page  *pageRows
	side  *sideRows
	rows  gather[placedHash]
	chars int
	mu    *sync.Mutex // of the page's characters
}

// placedHash is a row by its hash and its place on the page.
type placedHash struct {
	hash register.RowHash
	at   uint32
}

func (w *hashWorker) add(c chunk) error {
	if w.page.count.Load() > int64(w.page.most) || c.offset+int64(len(c.bytes)) >= mostBytes {
		return errUnfit
	}
	w.chars += w.page.charsIn(c.bytes)
	count := int64(0)
	err := eachRow(&w.side.rows, c, func(row []byte, at int64, quoted bool) error {
		if quoted && w.side.rows.Lazy {
			return errUnfit
		}
		if at != w.side.first {
			hash := rowHashFor(row, w.page.key)
			w.rows.add(uint64(hash.Part()), placedHash{hash, uint32(at)})
			count++
		}
		return nil
	})
	w.page.count.Add(count)
	return err
}

func (w *hashWorker) end() {
	w.rows.end()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.page.chars += w.chars
}

// add adds rows to a part.
func (p *pageRows) add(i int, rows []placedHash) {
	part := &p.parts[i]
	part.mu.Lock()
	defer part.mu.Unlock()
	for _, row := range rows {
		part.hashes, part.places = append(part.hashes, row.hash), append(part.places, row.at)
	}
}

// mark is the length of the byte order mark, which is no character.
func (s *sideRows) mark() int {
	if n := len(byteOrderMark); len(s.head) >= n && string(s.head[:n]) == byteOrderMark {
		return n
	}
	return 0
}

const byteOrderMark = "\xef\xbb\xbf"

// charsIn counts characters. What is no UTF-8 is found when it is read.
func (p *pageRows) charsIn(b []byte) int {
	n := len(b)
	if !p.utf8 {
		return n
	}
	const first = 0x0101010101010101
	for ; len(b) >= 8; b = b[8:] { // bytes of the form 10xxxxxx go on with a character
		x := binary.LittleEndian.Uint64(b)
		n -= bits.OnesCount64(x >> 7 & ^(x >> 6) & first)
	}
	for _, c := range b {
		if c&0xc0 == 0x80 {
			n--
		}
	}
	return n
}
