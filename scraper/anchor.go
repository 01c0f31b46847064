package scraper

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// anchor names a row by one of its cells, so that rows which may give equal
// entries have equal names: two rows of other bytes can be one entry, where only
// white space, the case of a domain or a column that no field reads differs.
// Rows of the same name may still be of different entries.
type anchor struct {
	rows   format.Rows
	cell   int
	bytes  *[256]byteName
	safe   *[256]bool // bytes beyond ASCII of which something is always left
	domain bool
	field  string
	key    int // place in the key; -1: none
}

// Names that say what a cell holds beside its ASCII.
const (
	anchorOther    = 1 // what cannot be told by its bytes: perhaps nothing
	anchorNonASCII = 2
)

// findAnchor looks for the cell that names most of the given rows best, among
// those of compared fields whose values are little changed by their type. Where
// rows say themselves that something is delisted it is one of the key.
func findAnchor(def register.Definition, rows format.Rows, encoding string, sample [][]byte) (anchor, bool) {
	var found anchor
	best := -1
	compared := def.Compared()
	for i, field := range def.Fields {
		inKey := slices.Contains(def.Key, field.Name)
		switch {
		case rows.Cells[i] < 0, field.Strip != "":
		case !inKey && (def.ListedWhile != "" || !compared[i] || len(field.Map) > 0):
		case field.Type == register.TypeList, field.Type == register.TypeDate, field.Type == register.TypeDatetime:
		default:
			candidate := anchor{
				rows: rows, cell: rows.Cells[i], bytes: byteNames(field.Type), safe: safeBytes(encoding), domain: field.Type == register.TypeDomain,
				field: field.Name, key: slices.Index(def.Key, field.Name),
			}
			if names := candidate.names(sample); names > best {
				found, best = candidate, names
			}
		}
	}
	return found, best >= 0
}

// names counts how many names the rows have, those of no use left out.
func (a *anchor) names(rows [][]byte) int {
	names := map[uint32]bool{}
	for _, row := range rows {
		if name := a.of(row); name != anchorOther && name != anchorNonASCII {
			names[name] = true
		}
	}
	return len(names)
}

// byteName says what a byte does to a name, and what is to be known of the text then.
// What a type drops does nothing.
type byteName struct {
	mix   uint32
	shift uint8
	mark  uint8
}

// Marks of bytes.
const (
	markBeyond = 1 << iota // ASCII
	markDoubt              // a domain with it may be more, or be written otherwise
)

// byteNames gives the same for bytes that a type makes equal.
func byteNames(fieldType string) *[256]byteName {
	var names [256]byteName
	var random [256]uint32
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // names of one run are compared with each other
	for c := range random {
		random[c] = source.Uint32()
	}
	for c := range 0x7f {
		counts := byte(c)
		switch fieldType {
		case register.TypeDomain, register.TypeURL, register.TypeNumber:
			counts = lowerAlphanumeric(counts)
		}
		if counts > ' ' && counts != '"' {
			names[c].mix, names[c].shift = random[counts], 5
		}
	}
	for c := 0x80; c < len(names); c++ {
		names[c].mark = markBeyond
	}
	names[':'].mark, names['-'].mark = markDoubt, markDoubt
	return &names
}

func lowerAlphanumeric(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		return c
	}
	return 0
}

// safeBytes gives the bytes of letters that neither a normal form nor the rules
// for domains turn into ASCII or drop: Cyrillic ones, in UTF-8 their first bytes.
func safeBytes(encoding string) *[256]bool {
	var safe [256]bool
	switch encoding {
	case "utf-8":
		safe[0xd0], safe[0xd1] = true, true
	case "windows-1251":
		for c := 0xc0; c < 0x100; c++ {
			safe[c] = true
		}
	}
	return &safe
}

var (
	schemeEnd = []byte("://")
	dashes    = []byte("--")
	punycode  = []byte("xn--")
)

// of names a row by its bytes.
func (a *anchor) of(row []byte) uint32 {
	cell := a.rows.Cell(row, a.cell)
	name, marks := a.name(cell)
	switch {
	case marks&markBeyond != 0:
		return a.beyondASCII(cell)
	case marks&markDoubt != 0 && a.domain && isDoubtful(cell):
		return anchorOther
	}
	return name
}

// isDoubtful reports whether a domain is the address of a page, or in Punycode.
func isDoubtful(domain []byte) bool {
	return bytes.Contains(domain, schemeEnd) || bytes.Contains(domain, dashes) && bytes.Contains(bytes.ToLower(domain), punycode)
}

func (a *anchor) beyondASCII(cell []byte) uint32 {
	if slices.ContainsFunc(cell, func(c byte) bool { return a.safe[c] }) {
		return anchorNonASCII
	}
	return anchorOther
}

// name names a text by its ASCII, in 31 bits, and gives the marks of its bytes.
func (a *anchor) name(text []byte) (name uint32, marks uint8) {
	for _, c := range text {
		b := &a.bytes[c]
		name = bits.RotateLeft32(name, int(b.shift)) ^ b.mix
		marks |= b.mark
	}
	return max(anchorNonASCII+1, name&^markSeen), marks
}

// ofEntry names a row by the entry that was read from it.
func (a *anchor) ofEntry(e register.Entry) uint32 {
	text := register.Normalize(e.Fields.Get(a.field))
	if a.key >= 0 {
		text = e.Key.Values()[a.key]
	}
	name, marks := a.name([]byte(text))
	if marks&markBeyond != 0 {
		return anchorNonASCII
	}
	return name
}
