package scraper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/regwatch/regwatch/internal/offheap"
	"github.com/regwatch/regwatch/scraper/format"
)

// Sizes of a scan of rows, in bytes.
const (
	scanChunk = 256 << 10 // so much is looked through at a time
	maxRow    = 16 << 20  // of a row; longer, it must be read to say what is wrong
)

// errUnfit says that a page can not be told apart by its bytes and must be read.
var errUnfit = errors.New("the page must be read")

// chunk is some whole rows of a page.
type chunk struct {
	bytes  []byte
	offset int64  // of the page
	plain  bool   // no quote is in it
	buffer []byte // of the scan, empty; bytes lie in it, unless a row is too long for that
}

// scanRows hands the whole rows of a body from offset on to its workers, on all
// processors and in any order; the body's last row apart, when all others are
// done, with its line end if it has one. So many bytes are looked through at a
// time. Each, if not nil, is called in order with the bytes of each chunk before.
// What a worker is given is valid until it returns.
func scanRows(ctx context.Context, body Arriving, rows format.Rows, length int, each func([]byte) error, worker func() rowWorker) (last chunk, err error) {
	workers := runtime.GOMAXPROCS(0)
	room := max(workers+2, 8) // one is being filled, one waits; the others make it a large page
	block := offheap.Make[byte](room*length, room*length)
	defer offheap.Free(block)
	buffers, chunks := make(chan []byte, room), make(chan chunk, 1)
	for buffer := range slices.Chunk(block, length) {
		buffers <- buffer[:0]
	}
	group, ctx := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error {
			w := worker()
			for c := range chunks {
				if err := w.add(c); err != nil {
					return err
				}
				buffers <- c.buffer
			}
			w.end()
			return nil
		})
	}
	s := rowScan{body: body, rows: rows, length: length, at: int64(rows.Start)}
	group.Go(func() error {
		defer close(chunks)
		for {
			var buffer []byte
			select {
			case buffer = <-buffers:
			case <-ctx.Done():
				return ctx.Err()
			}
			c, err := s.next(buffer)
			if err != nil || len(c.bytes) == 0 {
				return err
			}
			if each != nil {
				if err := each(c.bytes); err != nil {
					return err
				}
			}
			select {
			case chunks <- c:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	err = group.Wait()
	return chunk{bytes: s.last, offset: s.lastAt}, err
}

// rowWorker is one goroutine's part of a scan.
type rowWorker interface {
	add(c chunk) error
	end() // nothing more comes; not called after an error
}

// rowScan cuts a body into chunks.
type rowScan struct {
	body   Arriving
	rows   format.Rows
	length int
	at     int64
	last   []byte // the last row, with its line end
	lastAt int64
}

// next reads the next rows into buffer; none at the end.
func (s *rowScan) next(buffer []byte) (chunk, error) {
	for want, own := s.length, buffer; ; want *= 2 {
		if want > maxRow {
			return chunk{}, errUnfit
		}
		arrived, all, err := s.body.Have(s.at + int64(want) + 1)
		if err != nil {
			return chunk{}, err
		}
		n := int(min(int64(want), arrived-s.at))
		if cap(buffer) < n {
			buffer = make([]byte, 0, n)
		}
		buffer = buffer[:n]
		if n == 0 {
			return chunk{}, nil
		}
		if n, err := s.body.ReadAt(buffer, s.at); n < len(buffer) {
			return chunk{}, fmt.Errorf("read at %d: %w", s.at, err)
		}
		c := chunk{bytes: buffer, offset: s.at, plain: bytes.IndexByte(buffer, '"') < 0, buffer: own}
		if all && s.at+int64(n) == arrived {
			return s.end(c)
		}
		rows := s.rows
		rows.Quoted = rows.Quoted && !c.plain
		if whole := rows.Whole(buffer); whole > 0 {
			c.bytes = buffer[:whole]
			s.at += int64(whole)
			return c, nil
		}
	}
}

// end takes the last row off the last chunk.
func (s *rowScan) end(c chunk) (chunk, error) {
	body := bytes.TrimRight(c.bytes, "\r\n") // empty lines are no rows
	end := s.rows.Whole(body)
	s.last, s.lastAt = bytes.Clone(c.bytes[end:]), c.offset+int64(end)
	s.at = c.offset + int64(len(c.bytes))
	c.bytes = c.bytes[:end]
	return c, nil
}
