package scraper

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// Saved is a saved page that can be read at any place.
type Saved struct {
	Page register.Page
	Body io.ReaderAt // of Page.Bytes
}

// Bounds within which two pages are told apart by the bytes of their rows.
const (
	fewestDiffering = 4 << 20  // bytes of a page; a smaller one is read in no time
	mostDiffering   = 16 << 20 // bytes of rows that are on one page only
	mostBytes       = 1 << 32  // of a page: offsets have 32 bits
	longestSound    = 64 << 10 // bytes of a row: of a longer one the format may have its own opinion
)

// Differing reads of two saved pages of one register only the rows that are not
// on both, and gives their entries: [differ.Diff] of them is that of all entries,
// save the number of equal ones. It reports false where the pages must be read
// whole: small ones, formats and encodings whose rows can not be told apart by
// their bytes, other columns, whatever is wrong with a page, and pages that have
// little in common.
func (r *Reader) Differing(ctx context.Context, older, newer Saved) (prev, next register.Snapshot, ok bool, err error) {
	if min(older.Page.Bytes, newer.Page.Bytes) < r.large || max(older.Page.Bytes, newer.Page.Bytes) >= mostBytes ||
		older.Page.Bytes > r.def.Fetch.SizeLimit() || newer.Page.Bytes > r.def.Fetch.SizeLimit() ||
		r.def.ListedWhile != "" && len(r.def.Ignore) > 0 {
		return prev, next, false, nil
	}
	d := rowDiff{reader: r, seed: rand.Uint64()}
	err = d.compare(ctx, older, newer)
	if errors.Is(err, errUnfit) {
		return prev, next, false, nil
	}
	return d.prev, d.next, err == nil, err
}

// rowDiff is one comparison of two pages by their rows.
//
//	older: hash and name every row ─┐
//	newer: hash every row ──────────┴▶ join ─▶ rows of one page only ─▶ read these
//	                                           which are an entry of a row on both, by its name? ─▶ left out
type rowDiff struct {
	reader *Reader
	seed   uint64
	table  *rowTable
	anchor anchor
	older  sideRows
	newer  sideRows

	prev, next register.Snapshot
}

func (d *rowDiff) compare(ctx context.Context, older, newer Saved) error {
	var err error
	if d.older, err = d.reader.side(older, ""); err != nil {
		return err
	}
	if d.newer, err = d.reader.side(newer, ""); err != nil {
		return err
	}
	if d.older.found.name != d.newer.found.name || !bytes.Equal(d.older.rows.Header, d.newer.rows.Header) ||
		!slices.Equal(d.older.rows.Cells, d.newer.rows.Cells) {
		return errUnfit
	}
	var ok bool
	if d.anchor, ok = findAnchor(d.reader.def, d.older.rows, d.older.found.name, sampleRows(d.older.rows, d.older.head)); !ok {
		return errUnfit
	}
	d.table = newRowTable(d.older.estimate(), d.newer.estimate())
	defer d.table.free()
	if err := d.addOlder(ctx); err != nil {
		return err
	}
	if err := d.addNewer(ctx); err != nil {
		return err
	}
	olds, news := d.table.join()
	group, reading := errgroup.WithContext(ctx)
	group.Go(func() (err error) { d.prev, err = d.reader.readOwn(reading, &d.older, olds); return err })
	group.Go(func() (err error) { d.next, err = d.reader.readOwn(reading, &d.newer, news); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	return d.leaveOut(ctx)
}

// addOlder puts the older page's rows into the table. What is common to both
// pages is looked at here only, so it must be sound.
func (d *rowDiff) addOlder(ctx context.Context) error {
	s, sound := &d.older, newSoundness(d.older.found)
	return d.scan(ctx, s, func() rowWorker {
		rows := &gather[olderRow]{flush: d.table.addOlder}
		return &diffWorker{rows.end, func(c chunk) error {
			if !sound.chunk(c.bytes) {
				return errUnfit
			}
			return eachRow(&s.rows, c, func(row []byte, at int64, quoted bool) error {
				if len(row) > longestSound || quoted && !s.rows.WellFormed(row) {
					return errUnfit
				}
				if at != s.first {
					hash := xxh3.Hash128Seed(row, d.seed)
					rows.add(hash.Hi>>partShift, olderRow{rowHashOf(hash), d.anchor.of(row), uint32(at)})
				}
				return nil
			})
		}}
	})
}

// addNewer puts the newer page's rows into the table.
func (d *rowDiff) addNewer(ctx context.Context) error {
	s := &d.newer
	return d.scan(ctx, s, func() rowWorker {
		rows := &gather[newerRow]{flush: d.table.addNewer}
		return &diffWorker{rows.end, func(c chunk) error {
			return eachRow(&s.rows, c, func(row []byte, at int64, quoted bool) error {
				if quoted && s.rows.Lazy {
					return errUnfit
				}
				if at != s.first {
					hash := xxh3.Hash128Seed(row, d.seed)
					rows.add(hash.Hi>>partShift, newerRow{rowHashOf(hash), uint32(at)})
				}
				return nil
			})
		}}
	})
}

// diffWorker adds rows to the table.
type diffWorker struct {
	flush func()
	chunk func(chunk) error
}

func (w *diffWorker) add(c chunk) error { return w.chunk(c) }
func (w *diffWorker) end()              { w.flush() }

// scan hands a page's rows to workers, save the first and the last. They are always
// read: they say how the page begins and ends.
func (d *rowDiff) scan(ctx context.Context, s *sideRows, worker func() rowWorker) error {
	last, err := scanRows(ctx, whole{s.Body, s.Page.Bytes}, s.rows, d.reader.chunk, watchUTF8(s.found), worker)
	if err != nil {
		return err
	}
	if last.offset != s.first {
		if err := s.fetch([]int64{s.first}); err != nil {
			return err
		}
	}
	return s.keep(placedRow{last.offset, last.bytes})
}

// eachRow yields the rows of a chunk with their places on the page, save empty ones.
func eachRow(rows *format.Rows, c chunk, yield func(row []byte, at int64, quoted bool) error) error {
	whole, err := rows.Each(c.bytes, c.offset, yield)
	if err == nil && whole < len(c.bytes) {
		err = errUnfit
	}
	return err
}

// readOwn reads the rows at these places, and those that are kept already.
func (r *Reader) readOwn(ctx context.Context, s *sideRows, places []int64) (register.Snapshot, error) {
	if err := s.fetch(places); err != nil {
		return register.Snapshot{}, err
	}
	return r.readRows(ctx, s, s.own)
}

// readRows reads some rows of a page as if they were all. Whatever is wrong with
// them is told by reading the whole page, so that it is told of its place.
func (r *Reader) readRows(ctx context.Context, s *sideRows, rows []placedRow) (register.Snapshot, error) {
	p, snapshot, err := r.readSome(ctx, s, rows, newSnapshotBuilder(r), register.Health{})
	if err != nil {
		return snapshot, err
	}
	if (evidence{def: r.def, pages: []pageReading{p}, snapshot: snapshot}).proof().Failed() != nil {
		return snapshot, errUnfit
	}
	return snapshot, nil
}

// readSome is readRows without its proof.
func (r *Reader) readSome(ctx context.Context, s *sideRows, rows []placedRow, b *snapshotBuilder, health register.Health) (pageReading, register.Snapshot, error) {
	text := newTextStream(s.some(rows), s.head, s.found)
	p, err := r.readText(ctx, pageReading{Page: s.Page}, text, b, health, true)
	if err != nil {
		return p, register.Snapshot{}, err
	}
	snapshot := b.finish(mergeShapes(r.def.Parse.Format, []pageReading{p}))
	if p.instead != nil || p.broken != nil || p.mislabeled || p.cut > 0 || snapshot.Counts.Repaired > 0 || snapshot.Counts.RepairedRows > 0 {
		return p, snapshot, errUnfit
	}
	return p, snapshot, nil
}

// leaveOut takes out of either page's own entries those that a row on both pages
// gives too, and adds the rows on both that say of an entry that it is delisted.
func (d *rowDiff) leaveOut(ctx context.Context) error {
	names := newNameSet()
	names.add(anchorOther)
	for _, e := range slices.Concat(d.prev.Entries, d.prev.Delisted, d.next.Entries, d.next.Delisted) {
		names.add(d.anchor.ofEntry(e))
	}
	places := d.table.common(names)
	if len(places) == 0 {
		return nil
	}
	if len(places) > mostDiffering/8 {
		return errUnfit
	}
	rows, err := d.older.rowsAt(places)
	if err != nil {
		return err
	}
	common, err := d.reader.readRows(ctx, &d.older, rows)
	if err != nil {
		return err
	}
	on := map[register.Hash]bool{}
	for _, e := range slices.Concat(common.Entries, common.Delisted) {
		on[e.Identity()] = true
	}
	isCommon := func(e register.Entry) bool { return on[e.Identity()] }
	for _, s := range []*register.Snapshot{&d.prev, &d.next} {
		s.Entries = slices.DeleteFunc(s.Entries, isCommon)
		s.Delisted = append(slices.DeleteFunc(s.Delisted, isCommon), common.Delisted...)
	}
	return nil
}
