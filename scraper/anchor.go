package scraper

import (
	"bytes"
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
	fold   *[256]byte // what of a byte counts; 0: nothing
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
				rows: rows, cell: rows.Cells[i], fold: foldOf(field.Type), safe: safeBytes(encoding), domain: field.Type == register.TypeDomain,
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
func (a anchor) names(rows [][]byte) int {
	names := map[uint32]bool{}
	for _, row := range rows {
		if name := a.of(row); name != anchorOther && name != anchorNonASCII {
			names[name] = true
		}
	}
	return len(names)
}

func foldOf(fieldType string) *[256]byte {
	var fold [256]byte
	for c := byte('!'); c < 0x7f; c++ {
		fold[c] = c
	}
	fold['"'] = 0
	switch fieldType {
	case register.TypeDomain, register.TypeURL, register.TypeNumber:
		for c := range fold {
			fold[c] = lowerAlphanumeric(byte(c))
		}
	}
	return &fold
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
	punycode  = []byte("xn--")
)

// of names a row by its bytes.
func (a anchor) of(row []byte) uint32 {
	cell := a.rows.Cell(row, a.cell)
	for i, c := range cell {
		if c >= 0x80 {
			return a.beyondASCII(cell[i:])
		}
	}
	if a.domain && (bytes.Contains(cell, schemeEnd) || bytes.Contains(bytes.ToLower(cell), punycode)) {
		return anchorOther
	}
	return a.name(cell)
}

func (a anchor) beyondASCII(cell []byte) uint32 {
	if slices.ContainsFunc(cell, func(c byte) bool { return a.safe[c] }) {
		return anchorNonASCII
	}
	return anchorOther
}

// name is for text that is all ASCII; 31 bits.
func (a anchor) name(text []byte) uint32 {
	name := uint32(2166136261) // FNV-1a
	for _, c := range text {
		if c = a.fold[c]; c != 0 {
			name = (name ^ uint32(c)) * 16777619
		}
	}
	return max(anchorNonASCII+1, (name^name>>16)&^markSeen)
}

// ofEntry names a row by the entry that was read from it.
func (a anchor) ofEntry(e register.Entry) uint32 {
	text := register.Normalize(e.Fields.Get(a.field))
	if a.key >= 0 {
		text = e.Key.Values()[a.key]
	}
	for i := range len(text) {
		if text[i] >= 0x80 {
			return anchorNonASCII
		}
	}
	return a.name([]byte(text))
}
