package scraper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regwatch/regwatch/internal/offheap"
	"github.com/regwatch/regwatch/scraper/format"
)

// Sizes of a scan of rows, in bytes.
const (
	scanChunk = 256 << 10 // so much is looked through at a time
	scanRest  = 64 << 10  // room for the row that a chunk before left unfinished
	maxRow    = 16 << 20  // of a row; longer, it must be read to say what is wrong
)

// errUnfit says that a page can not be told apart by its bytes and must be read.
var errUnfit = errors.New("the page must be read")

// chunk is some whole rows of a page.
type chunk struct {
	bytes  []byte
	offset int64 // of the page
}

// scanRows hands the whole rows of a body from offset on to its workers, on all
// processors and in any order; the body's last row apart, when all others are
// done, with its line end if it has one. So many bytes are looked through at a
// time. Each, if not nil, is called in order with the bytes of each chunk before.
// What a worker is given is valid until it returns.
func scanRows(ctx context.Context, body Arriving, rows format.Rows, length int, each func([]byte) error, worker func() rowWorker) (last chunk, err error) {
	workers := runtime.GOMAXPROCS(0)
	room := scanRest + length
	size := max(workers*room, 2<<20) // a large page
	block := offheap.Make[byte](size, size)
	defer offheap.Free(block)
	s := newRowScan(body, rows, length, each)
	group, ctx := errgroup.WithContext(ctx)
	for i := range workers {
		buffer := block[i*room : (i+1)*room : (i+1)*room]
		group.Go(func() error {
			w := worker()
			for ctx.Err() == nil {
				c, more, err := s.next(buffer)
				if err == nil && len(c.bytes) > 0 {
					err = w.add(c)
				}
				if err != nil {
					return err
				}
				if !more {
					w.end()
					return nil
				}
			}
			return ctx.Err()
		})
	}
	err = group.Wait()
	return chunk{bytes: s.last, offset: s.lastAt}, err
}

// rowWorker is one goroutine's part of a scan.
type rowWorker interface {
	add(c chunk) error
	end() // nothing more comes; not called after an error
}

// rowScan cuts a body into chunks. Whoever works on one has read it, so that it lies in
// the cache of that processor; several read at a time, and where rows end is found in
// their order.
type rowScan struct {
	body   Arriving
	rows   format.Rows
	length int
	each   func([]byte) error
	blocks atomic.Int64 // that somebody reads or has read

	mu     sync.Mutex
	turn   sync.Cond
	cut    int64  // blocks of which the rows are cut
	rest   []byte // of a row whose end is in a block to come
	open   bool   // it ends between quotes
	last   []byte // the last row, with its line end
	lastAt int64
}

func newRowScan(body Arriving, rows format.Rows, length int, each func([]byte) error) *rowScan {
	s := &rowScan{body: body, rows: rows, length: length, each: each}
	s.turn.L = &s.mu
	return s
}

// next reads the next block into buffer, and gives the rows that end in it, perhaps
// none. More is false when no other follows. Of blocks behind one that failed it gives
// anything: the scan fails.
func (s *rowScan) next(buffer []byte) (c chunk, more bool, err error) {
	number := s.blocks.Add(1) - 1
	at := int64(s.rows.Start) + number*int64(s.length)
	n, end, err := s.read(buffer[scanRest:], at)

	s.mu.Lock()
	defer s.mu.Unlock()
	for s.cut < number {
		s.turn.Wait()
	}
	defer s.turn.Broadcast()
	s.cut++
	if err == nil && n > 0 {
		c, err = s.rowsIn(buffer, n, at, end)
	}
	if err == nil && s.each != nil && len(c.bytes) > 0 {
		err = s.each(c.bytes)
	}
	return c, n > 0 && !end, err
}

// read reads a block, and reports whether it is the last; of none that is behind that.
func (s *rowScan) read(buffer []byte, at int64) (n int, end bool, err error) {
	arrived, all, err := s.body.Have(at + int64(s.length) + 1)
	if err != nil || arrived <= at {
		return 0, false, err
	}
	n = int(min(int64(s.length), arrived-at))
	if got, err := s.body.ReadAt(buffer[:n], at); got < n {
		return 0, false, fmt.Errorf("read at %d: %w", at, err)
	}
	return n, all && at+int64(n) == arrived, nil
}

// rowsIn gives the rows that end in a block of n bytes, in the buffer unless one is too
// long for it.
func (s *rowScan) rowsIn(buffer []byte, n int, at int64, end bool) (chunk, error) {
	if len(s.rest)+n > maxRow {
		return chunk{}, errUnfit
	}
	c, block := chunk{offset: at - int64(len(s.rest))}, buffer[scanRest:scanRest+n]
	whole, open := s.rows.Whole(block, s.open)
	s.open = open
	switch {
	case whole == 0 && !end:
		s.rest = append(s.rest, block...)
		return c, nil
	case len(s.rest) > scanRest:
		s.rest = append(s.rest, block...)
		c.bytes, s.rest = s.rest, nil // a worker's now
	default:
		c.bytes = buffer[scanRest-len(s.rest) : scanRest+n]
		copy(c.bytes, s.rest)
	}
	if end {
		return s.end(c)
	}
	s.rest = append(s.rest[:0], block[whole:]...)
	c.bytes = c.bytes[:len(c.bytes)-n+whole]
	return c, nil
}

// end takes the last row off the last chunk. It is another one's if only line ends are
// left, which are no rows.
func (s *rowScan) end(c chunk) (chunk, error) {
	body := bytes.TrimRight(c.bytes, "\r\n")
	if len(body) == 0 && c.offset > int64(s.rows.Start) {
		return chunk{}, errUnfit
	}
	end, _ := s.rows.Whole(body, false)
	s.last, s.lastAt = bytes.Clone(c.bytes[end:]), c.offset+int64(end)
	c.bytes = c.bytes[:end]
	return c, nil
}
