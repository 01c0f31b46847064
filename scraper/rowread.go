package scraper

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/regwatch/regwatch/register"
)

// readByRows reads of a page only the rows whose bytes are not known. The error is
// errUnfit where the whole page must be read: then nothing that was noted counts.
// The rows may have been hashed while the body arrived, or nil.
//
//	hash every row ─▶ which are known? ─▶ read the others ─▶ which of their entries are known?
func (r *Reader) readByRows(ctx context.Context, saved Saved, health register.Health, known Known, hashed *HashedRows) (register.Snapshot, register.Proof, error) {
	if saved.Page.Bytes >= mostBytes || saved.Page.Bytes > r.def.Fetch.SizeLimit() {
		return register.Snapshot{}, nil, errUnfit
	}
	if hashed == nil {
		var err error
		if hashed, err = r.hashRows(ctx, saved.Page, whole{saved.Body, saved.Page.Bytes}, health, known, 0); err != nil {
			return register.Snapshot{}, nil, err
		}
		defer hashed.Close()
	} else if begins, err := r.side(saved, health.Encoding); err != nil || !begins.same(hashed.side) {
		return register.Snapshot{}, nil, cmp.Or(err, errUnfit) // another answer with the same bytes had another header
	}
	s, rows := hashed.side, hashed.rows
	s.Saved = saved
	if err := hashed.keepEnds(&s); err != nil {
		return register.Snapshot{}, nil, err
	}
	missed, repeated := rows.see(known)
	hashed.Close()
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
	byRows := int(rows.count.Load()) - len(missed)
	p.rows, p.filled = p.rows+byRows, p.filled+byRows
	p.chars = rows.chars
	snapshot.Counts.Chars = rows.chars
	snapshot.Counts.Rows += byRows
	snapshot.Counts.Repeated += repeated
	snapshot.Again = again
	b.snapshot = snapshot
	b.addFacts(filled, odd)
	b.takeKnown(known)

	e := evidence{def: r.def, health: health, pages: []pageReading{p}, snapshot: b.snapshot, naming: b.naming}
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
			b.naming.add(e.Key)
			b.snapshot.Entries = append(b.snapshot.Entries, e)
		}
		b.countOddities(b.facts[i])
	}
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
