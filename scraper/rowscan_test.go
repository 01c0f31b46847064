package scraper

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/regwatch/regwatch/scraper/format"
)

// seenRows is what the workers of a scan were given.
type seenRows struct {
	mu   sync.Mutex
	rows map[int64]string
	fail int // rows until a worker fails; 0: none does
}

var errWorker = errors.New("worker")

// seeingWorker is one goroutine's part.
type seeingWorker struct {
	rows *format.Rows
	seen *seenRows
}

func (w seeingWorker) end() {}

func (w seeingWorker) add(c chunk) error {
	return eachRow(w.rows, c, func(row []byte, at int64, _ bool) error {
		w.seen.mu.Lock()
		defer w.seen.mu.Unlock()
		if w.seen.rows[at] != "" {
			return errors.New("seen twice")
		}
		w.seen.rows[at] = string(row)
		if w.seen.fail--; w.seen.fail == 0 {
			return errWorker
		}
		return nil
	})
}

// TestScanIsTheObviousWalk scans random pages in blocks of any size, while they arrive
// and when they are whole.
func TestScanIsTheObviousWalk(t *testing.T) {
	blank := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 2))
		page := make([]byte, r.IntN(300))
		for i := range page {
			page[i] = "abc,\"\"\r\n\n"[r.IntN(9)]
		}
		if seed%100 == 0 { // a row that has no room in front of a block
			page = append(page, "\""+strings.Repeat("x\n", scanRest)+"\"\nlast"...)
		}
		rows := format.Rows{Quoted: r.IntN(3) > 0, Comma: ',', Start: r.IntN(3)}
		rows.Start = min(rows.Start, len(page))
		want, last := walk(rows, page)

		length := 1 + r.IntN(100)
		if len(page) > scanRest {
			length *= 200
		}
		var body Arriving = whole{bytes.NewReader(page), int64(len(page))}
		if r.IntN(2) == 0 {
			body = &inPieces{Reader: bytes.NewReader(page)}
		}
		seen := &seenRows{rows: map[int64]string{}}
		var inOrder []byte
		unfit := endsInBlanks(rows, page, length)
		got, err := scanRows(t.Context(), body, rows, length, func(b []byte) error { inOrder = append(inOrder, b...); return nil },
			func() rowWorker { return seeingWorker{&rows, seen} })
		if unfit && errors.Is(err, errUnfit) {
			blank++
			continue
		}
		if err != nil || unfit || string(got.bytes) != last || !maps.Equal(seen.rows, want) {
			t.Fatalf("seed %d, blocks of %d of %.400q: rows %.400v and %q (%v), want %.400v and %q", seed, length, page, seen.rows, got.bytes, err, want, last)
		}
		if text := string(inOrder) + string(got.bytes); text != string(page[rows.Start:]) {
			t.Fatalf("seed %d, blocks of %d: bytes %q in order, want %q", seed, length, text, page[rows.Start:])
		}
		if len(got.bytes) > 0 && got.offset != int64(len(page)-len(got.bytes)) {
			t.Fatalf("seed %d: the last row is at %d", seed, got.offset)
		}
	}
	if blank == 0 {
		t.Error("no page ended in a block of line ends alone")
	}
}

// endsInBlanks reports whether the last block of a page is only line ends behind its last
// row, which is then in another.
func endsInBlanks(rows format.Rows, page []byte, length int) bool {
	end := max(rows.Start, len(bytes.TrimRight(page, "\r\n")))
	if end == len(page) {
		return false
	}
	last := rows.Start + (len(page)-rows.Start-1)/length*length
	open := rows.Quoted && bytes.Count(page[rows.Start:end], []byte{'"'})%2 == 1
	return last > end && !open && bytes.IndexByte(page[end:last], '\n') >= 0
}

// walk gives the rows of a page but the last by their places, and the last with what
// ends it.
func walk(rows format.Rows, page []byte) (all map[int64]string, last string) {
	all = map[int64]string{}
	end, _ := rows.Whole(bytes.TrimRight(page[rows.Start:], "\r\n"), false)
	body := page[:rows.Start+end]
	for at := rows.Start; at < len(body); {
		row, size := rows.Next(body[at:])
		if len(row) > 0 {
			all[int64(at)] = string(row)
		}
		at += size
	}
	return all, string(page[len(body):])
}

// A scan ends with the first error, whoever meets it.
func TestScanEndsWithAnError(t *testing.T) {
	page := []byte(strings.Repeat("row,of,some,cells\n", 1000))
	broken := errors.New("broken off")
	for _, c := range []struct {
		name string
		body Arriving
		each error
		fail int
		want error
	}{
		{"worker", whole{bytes.NewReader(page), int64(len(page))}, nil, 500, errWorker},
		{"in order", whole{bytes.NewReader(page), int64(len(page))}, broken, 0, broken},
		{"body", brokenBody{bytes.NewReader(page), broken}, nil, 0, broken},
		{"short", whole{bytes.NewReader(page[:5000]), int64(len(page))}, nil, 0, io.EOF},
		{"one endless row", whole{bytes.NewReader(make([]byte, maxRow+2)), maxRow + 2}, nil, 0, errUnfit},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := format.Rows{Comma: ','}
			length := 300
			if errors.Is(c.want, errUnfit) {
				length = scanChunk
			}
			seen := &seenRows{rows: map[int64]string{}, fail: c.fail}
			_, err := scanRows(t.Context(), c.body, rows, length, func([]byte) error { return c.each }, func() rowWorker { return seeingWorker{&rows, seen} })
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
		})
	}
}

// brokenBody breaks off after half of it.
type brokenBody struct {
	*bytes.Reader
	err error
}

func (b brokenBody) Have(n int64) (int64, bool, error) {
	if n > b.Size()/2 {
		return b.Size() / 2, false, b.err
	}
	return b.Size() / 2, false, nil
}
