package scraper

import (
	"cmp"
	"context"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync"

	"github.com/regwatch/regwatch/internal/offheap"
	"github.com/regwatch/regwatch/register"
)

// readByRows reads of a page only the rows whose bytes are not known. The error is
// errUnfit where the whole page must be read: then nothing that was noted counts.
//
//	hash every row ─▶ which are known? ─▶ read the others ─▶ which of their entries are known?
func (r *Reader) readByRows(ctx context.Context, saved Saved, health register.Health, known Known) (register.Snapshot, register.Proof, error) {
	seed, ok := known.Rows()
	if !ok || len(r.values) > maxFacts || saved.Page.Bytes >= mostBytes || saved.Page.Bytes > r.def.Fetch.SizeLimit() {
		return register.Snapshot{}, nil, errUnfit
	}
	s, err := r.side(saved, health.Encoding)
	if err != nil {
		return register.Snapshot{}, nil, err
	}
	rows := newPageRows(s.estimate(), rowKey(seed, s.found.name, s.rows.Header), s.found.name == "utf-8")
	defer rows.free()
	if err := rows.scan(ctx, &s); err != nil {
		return register.Snapshot{}, nil, err
	}
	missed, repeated := rows.see(known)
	rows.free()
	if err := s.fetch(missed); err != nil {
		return register.Snapshot{}, nil, err
	}
	again, filled, odd := known.Seen()

	b := newSnapshotBuilder(r)
	b.later, b.learner, b.raw = true, known, newRawRows(s.some(s.own), s.rows, rows.key)
	p, snapshot, err := r.readSome(ctx, &s, s.own, b, health)
	if err != nil {
		return register.Snapshot{}, nil, err
	}
	if s.rows.Named && !slices.Equal(snapshot.Shape.Columns, health.Shape.Columns) {
		return register.Snapshot{}, nil, errUnfit // a column may have come, or be on the rows that are not read
	}
	byRows := rows.count - len(missed)
	p.rows, p.filled = p.rows+byRows, p.filled+byRows
	p.chars = rows.chars
	snapshot.Counts.Chars = rows.chars
	snapshot.Counts.Rows += byRows
	snapshot.Counts.Repeated += repeated
	snapshot.Again = again
	b.snapshot = snapshot
	b.addFacts(filled, odd)
	b.takeKnown(known)

	e := evidence{def: r.def, health: health, pages: []pageReading{p}, snapshot: b.snapshot}
	proof := e.proof()
	if proof.Failed() != nil {
		return register.Snapshot{}, nil, errUnfit
	}
	return b.snapshot, proof, nil
}

// addFacts counts what is remembered of rows that were not read.
func (b *snapshotBuilder) addFacts(filled, odd [maxFacts + 1]int) {
	again := &b.snapshot.Again
	again.Filled = map[string]int{}
	for i, value := range b.reader.values {
		if filled[i] > 0 {
			again.Filled[value.field.Name] += filled[i]
		}
		if odd[i] > 0 {
			b.countOdd(value.field.Name, odd[i])
		}
	}
	b.snapshot.Counts.MixedScripts += odd[maxFacts]
}

// countOddities counts what is odd about a row.
func (b *snapshotBuilder) countOddities(facts register.RowFacts) {
	for i, value := range b.reader.values {
		if facts.Odd&(1<<i) != 0 {
			b.count(value.field.Name)
		}
	}
	if facts.Odd&(1<<maxFacts) != 0 {
		b.snapshot.Counts.MixedScripts++
	}
}

// takeKnown takes out of the snapshot the entries that were known although the
// bytes of their rows were not.
func (b *snapshotBuilder) takeKnown(known Known) {
	entries := b.snapshot.Entries
	identities := make([]register.Hash, len(entries))
	for i, e := range entries {
		identities[i] = e.Identity()
	}
	isKnown, again := known.SeeEntries(identities)
	b.snapshot.Entries = nil
	for i, e := range entries {
		switch {
		case again[i]:
			b.snapshot.Counts.Repeated++
			continue
		case isKnown[i]:
			b.again(e, identities[i])
		default:
			b.snapshot.Entries = append(b.snapshot.Entries, e)
		}
		b.countOddities(b.facts[i])
	}
}

// pageRows is the hashes of a page's rows, by part, save the first and the last
// row, which are always read.
type pageRows struct {
	key   uint64
	utf8  bool
	parts [register.RowParts]rowPart
	count int
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

// scan hashes the rows of a page, and puts the first and the last with its own.
func (p *pageRows) scan(ctx context.Context, s *sideRows) error {
	var mu sync.Mutex
	last, err := scanRows(ctx, s.Body, s.Page.Bytes, s.rows, scanChunk, watchUTF8(s.found), func() rowWorker {
		return &hashWorker{page: p, side: s, mu: &mu, rows: gather[placedHash]{flush: p.add}}
	})
	if err != nil {
		return err
	}
	p.chars += p.charsIn(s.head[s.mark():s.rows.Start]) + p.charsIn(last.bytes)
	if last.offset != s.first {
		if err := s.fetch([]int64{s.first}); err != nil {
			return err
		}
	}
	return s.keep(placedRow{last.offset, last.bytes})
}

// hashWorker is one goroutine's part of a scan.
type hashWorker struct {
	page  *pageRows
	side  *sideRows
	rows  gather[placedHash]
	count int
	chars int
	mu    *sync.Mutex // of the page's counts
}

// placedHash is a row by its hash and its place on the page.
type placedHash struct {
	hash register.RowHash
	at   uint32
}

func (w *hashWorker) add(c chunk) error {
	w.chars += w.page.charsIn(c.bytes)
	return eachRow(w.side.rows, c, func(row []byte, at int64) error {
		if at != w.side.first {
			hash := rowHashFor(row, w.page.key)
			w.rows.add(uint64(hash.Part()), placedHash{hash, uint32(at)})
			w.count++
		}
		return nil
	})
}

func (w *hashWorker) end() {
	w.rows.end()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.page.count, w.page.chars = w.page.count+w.count, w.page.chars+w.chars
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

// see notes what is known of the rows, gives the places of the others, and counts
// the rows that repeat an entry.
func (p *pageRows) see(known Known) (missed []int64, repeated int) {
	const workers = 2
	var group sync.WaitGroup
	var misses [workers][]int64
	var repeats [workers]int
	for w := range workers {
		group.Go(func() {
			var scratch []uint32
			for i := w; i < len(p.parts); i += workers {
				part := &p.parts[i]
				var again int
				again, scratch = known.SeeRows(i, part.hashes, scratch, func(i int) {
					misses[w] = append(misses[w], int64(part.places[i]))
				})
				repeats[w] += again
			}
		})
	}
	group.Wait()
	for w := range workers {
		missed, repeated = append(missed, misses[w]...), repeated+repeats[w]
	}
	slices.SortFunc(missed, cmp.Compare)
	return missed, repeated
}
