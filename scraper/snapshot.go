package scraper

import (
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
	known    map[xxh3.Uint128]struct{} // key and content of every entry so far
	held     heldRow
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
}

func newSnapshotBuilder(r *Reader) *snapshotBuilder {
	return &snapshotBuilder{
		reader: r, known: map[xxh3.Uint128]struct{}{}, env: make(map[string]any, len(r.values)),
		shown: make([]register.Value, len(r.values)), typed: make([]string, len(r.values)), key: make([]string, len(r.key)),
	}
}

// row takes a row, and puts the one before into the snapshot. It reports whether
// the row holds anything.
func (b *snapshotBuilder) row(row format.Row) bool {
	b.release()
	b.held = heldRow{line: row.Line, blank: true}
	b.flag(row)
	filled := 0
	for i, value := range b.reader.values {
		typed, shown, odd := value.value(row.Cells[i])
		b.typed[i], b.shown[i] = typed, register.Value{Name: value.field.Name, Text: shown}
		if odd {
			b.odd(value.field.Name)
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
		b.odd("listed_while")
		return true
	}
	listed, ok := answer.(bool)
	return listed || !ok
}

func (b *snapshotBuilder) odd(field string) {
	if b.snapshot.Counts.Odd == nil {
		b.snapshot.Counts.Odd = map[string]int{}
	}
	b.snapshot.Counts.Odd[field]++
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
	counts := &b.snapshot.Counts
	if seen.repaired {
		counts.RepairedRows++
		if len(counts.RepairedAt) < mostLines {
			counts.RepairedAt = append(counts.RepairedAt, row.Line)
		}
	}
	if seen.mixed {
		counts.MixedScripts++
	}
}

// release puts the row that is held into the snapshot.
func (b *snapshotBuilder) release() {
	held := b.held
	b.held = heldRow{}
	if held.line == 0 {
		return
	}
	counts := &b.snapshot.Counts
	if held.blank {
		counts.Blank++
		return
	}
	counts.Rows++
	identity := xxh3.HashString128(string(held.entry.Key) + "\x00" + string(held.entry.Content[:]))
	b.contents.Hi, b.contents.Lo = b.contents.Hi+identity.Hi, b.contents.Lo+identity.Lo
	if _, repeated := b.known[identity]; repeated {
		counts.Repeated++
		return
	}
	b.known[identity] = struct{}{}
	if held.listed {
		b.snapshot.Entries = append(b.snapshot.Entries, held.entry)
	} else {
		b.snapshot.Delisted = append(b.snapshot.Delisted, held.entry)
	}
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
