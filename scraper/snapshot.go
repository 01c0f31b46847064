package scraper

import (
	"encoding/binary"

	"github.com/expr-lang/expr/vm"
	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// snapshotBuilder makes entries of rows. It holds the last row of a page back
// until it is known whether the page ended inside it.
type snapshotBuilder struct {
	reader   *Reader
	snapshot register.Snapshot
	own      map[register.Hash]struct{} // identity of every entry so far that was not known before
	known    Known                      // nil: nothing was
	learner  Known                      // that learns rows; nil: nobody does
	raw      *rawRows                   // the bytes of the rows; nil: not asked for
	each     func(register.Entry) error // takes the entries in place of the snapshot; may be nil
	failed   error                      // of each
	later    bool                       // whether entries are known is asked at the end
	facts    []register.RowFacts        // then: of each entry of the snapshot
	held     heldRow
	naming   naming       // of the entries that were not known before
	dropped  bool         // keys do not tell entries apart: they are counted, and not kept
	keeps    bool         // entries are kept whatever their keys are
	contents xxh3.Uint128 // of the rows released since the page began
	vm       vm.VM
	env      map[string]any   // of listed_while
	scratch  register.Values  // for the content hash
	shown    []register.Value // of the row at hand, by field
	key      []string         // of the row at hand
	typed    []string         // of the row at hand, by field
}

// heldRow is a row that became an entry and is not in the snapshot yet.
type heldRow struct {
	line   int // 0: none is held
	blank  bool
	listed bool
	entry  register.Entry
	odd    []int // fields with a value not of their type or not in their map
	mixed  bool
	broken bool // a character did not decode
}

func newSnapshotBuilder(r *Reader) *snapshotBuilder {
	return &snapshotBuilder{
		reader: r, own: map[register.Hash]struct{}{}, env: make(map[string]any, len(r.values)),
		shown: make([]register.Value, len(r.values)), typed: make([]string, len(r.values)), key: make([]string, len(r.key)),
	}
}

// row takes a row, and puts the one before into the snapshot. It reports whether
// the row holds anything.
func (b *snapshotBuilder) row(row format.Row) bool {
	b.release()
	b.held = heldRow{line: row.Line, blank: true, odd: b.held.odd[:0]}
	b.flag(row)
	filled := 0
	for i, value := range b.reader.values {
		typed, shown, odd := value.value(row.Cells[i])
		b.typed[i], b.shown[i] = typed, register.Value{Name: value.field.Name, Text: shown}
		if odd {
			b.held.odd = append(b.held.odd, i)
		}
		if typed != "" || shown != "" {
			b.held.blank = false
		}
		if shown != "" {
			filled++
		}
	}
	if b.held.blank {
		return false
	}
	b.held.entry = b.entry(filled)
	b.held.listed = b.listed()
	return true
}

func (b *snapshotBuilder) entry(filled int) register.Entry {
	for i, at := range b.reader.key {
		b.key[i] = b.typed[at]
	}
	b.scratch = b.scratch[:0]
	for _, at := range b.reader.compared {
		if b.shown[at].Text != "" {
			b.scratch = append(b.scratch, b.shown[at])
		}
	}
	fields := make(register.Values, 0, filled)
	for _, value := range b.shown {
		if value.Text != "" {
			fields = append(fields, value)
		}
	}
	return register.Entry{Key: register.NewKey(b.key...), Fields: fields, Content: register.ContentHash(b.scratch)}
}

// listed asks listed_while. A row on which the expression can not be answered is
// listed, and counted: nothing is taken off a register by our own mistake.
func (b *snapshotBuilder) listed() bool {
	if b.reader.listed == nil {
		return true
	}
	for _, value := range b.shown {
		b.env[value.Name] = value.Text
	}
	answer, err := b.vm.Run(b.reader.listed, b.env)
	if err != nil {
		b.count("listed_while")
		return true
	}
	listed, ok := answer.(bool)
	return listed || !ok
}

// count counts an odd value of a field.
func (b *snapshotBuilder) count(field string) { b.countOdd(field, 1) }

func (b *snapshotBuilder) countOdd(field string, n int) {
	if b.snapshot.Counts.Odd == nil {
		b.snapshot.Counts.Odd = map[string]int{}
	}
	b.snapshot.Counts.Odd[field] += n
}

// flag notes a row in which a character did not decode, or a word mixes scripts.
func (b *snapshotBuilder) flag(row format.Row) {
	const mostLines = 5
	var seen oddities
	for _, cell := range row.Cells {
		seen.look(cell.Text)
		for _, text := range cell.More {
			seen.look(text)
		}
	}
	b.held.mixed, b.held.broken = seen.mixed, seen.repaired
	counts := &b.snapshot.Counts
	if seen.repaired {
		counts.RepairedRows++
		if len(counts.RepairedAt) < mostLines {
			counts.RepairedAt = append(counts.RepairedAt, row.Line)
		}
	}
}

// release puts the row that is held into the snapshot.
func (b *snapshotBuilder) release() {
	held := b.held
	b.held = heldRow{odd: held.odd}
	if held.line == 0 {
		return
	}
	counts := &b.snapshot.Counts
	if held.blank {
		counts.Blank++
		return
	}
	counts.Rows++
	identity := held.entry.Identity()
	b.contents.Hi += binary.LittleEndian.Uint64(identity[:8])
	b.contents.Lo += binary.LittleEndian.Uint64(identity[8:])
	known, again := b.see(identity, held.listed)
	if held.listed && !held.broken && !b.dropped {
		b.learn(identity, held)
	}
	if again {
		counts.Repeated++
		return
	}
	if held.listed && b.drops(held.entry.Key, known) {
		return
	}
	if b.later && held.listed {
		b.facts = append(b.facts, b.factsOf(held))
	} else {
		b.countFacts(held)
	}
	b.put(held, identity, known)
}

// dropFrom is from how many entries on that keys do not tell apart none is kept: of
// such a page nothing can be believed, and a million of them take a gigabyte.
const dropFrom = 50_000

// drops counts how keys tell entries apart that were not known before the page, and
// reports whether an entry is not to be kept.
func (b *snapshotBuilder) drops(key register.Key, known bool) bool {
	if b.known == nil || known && !b.known.Learns() {
		return false
	}
	b.naming.add(key)
	if !b.dropped && b.each == nil && !b.keeps && b.naming.entries >= b.reader.dropFrom && b.naming.fails() {
		b.dropped, b.snapshot.Entries = true, nil
	}
	return b.dropped
}

// countFacts counts what is odd about a row.
func (b *snapshotBuilder) countFacts(held heldRow) {
	for _, i := range held.odd {
		b.count(b.reader.values[i].field.Name)
	}
	if held.mixed {
		b.snapshot.Counts.MixedScripts++
	}
}

// see reports whether an entry was known before this page, and whether the page
// has shown it already.
func (b *snapshotBuilder) see(identity register.Hash, listed bool) (known, again bool) {
	if b.known != nil && listed {
		if known, again = b.known.SeeEntry(identity); known {
			return known, again
		}
	}
	if _, again = b.own[identity]; !again {
		b.own[identity] = struct{}{}
	}
	return false, again
}

func (b *snapshotBuilder) put(held heldRow, identity register.Hash, known bool) {
	if b.each != nil && held.listed && b.failed == nil {
		b.failed = b.each(held.entry)
	}
	switch {
	case known:
		b.again(held.entry, identity)
	case held.listed && b.each != nil:
	case held.listed:
		b.snapshot.Entries = append(b.snapshot.Entries, held.entry)
	default:
		b.snapshot.Delisted = append(b.snapshot.Delisted, held.entry)
	}
}

// again counts an entry that was known before.
func (b *snapshotBuilder) again(e register.Entry, identity register.Hash) {
	again := &b.snapshot.Again
	again.Entries++
	for i := range identity {
		again.Digest[i] ^= identity[i]
	}
	if again.Filled == nil {
		again.Filled = map[string]int{}
	}
	for _, v := range e.Fields {
		again.Filled[v.Name]++
	}
}

// learn has the row remembered by its bytes.
func (b *snapshotBuilder) learn(identity register.Hash, held heldRow) {
	if b.raw == nil {
		return
	}
	hash, ok := b.raw.at(held.line)
	if !ok {
		return
	}
	b.learner.Learn(identity, hash, b.factsOf(held))
}

// factsOf gives what is remembered of a row of at most maxFacts fields.
func (b *snapshotBuilder) factsOf(held heldRow) register.RowFacts {
	var facts register.RowFacts
	for i, value := range b.reader.values {
		if held.entry.Fields.Get(value.field.Name) != "" {
			facts.Filled |= 1 << i
		}
	}
	for _, i := range held.odd {
		facts.Odd |= 1 << i
	}
	if held.mixed {
		facts.Odd |= 1 << maxFacts
	}
	return facts
}

// takeContents names the rows of the page that ended: equal rows in any order
// have equal names.
func (b *snapshotBuilder) takeContents() xxh3.Uint128 {
	contents := b.contents
	b.contents = xxh3.Uint128{}
	return contents
}

// endPage releases the page's last row, or drops it if it is doubtful and holds
// anything, and gives its line.
func (b *snapshotBuilder) endPage(doubtful bool) (dropped int) {
	if doubtful && !b.held.blank {
		dropped = b.held.line
		b.held = heldRow{}
	}
	b.release()
	return dropped
}

// counts adds what a page's reading counted.
func (b *snapshotBuilder) counts(p pageReading) {
	counts := &b.snapshot.Counts
	counts.Cut += p.cut
	counts.Unmatched += p.unmatched
	counts.Chars += p.chars
	counts.Repaired += p.repaired
}

func (b *snapshotBuilder) finish(shape register.Shape) register.Snapshot {
	b.snapshot.Shape = shape
	return b.snapshot
}
