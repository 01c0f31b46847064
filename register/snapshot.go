package register

import "maps"

// Snapshot is all entries of a register as one fetch showed them. It is
// immutable. Entries are in page order, and no two are equal in key and content.
type Snapshot struct {
	Entries  []Entry
	Delisted []Entry // rows for which listed_while is false: statements that they are gone
	Again    Again   // entries that were known before; zero where all are in Entries
	Shape    Shape
	Counts   ReadCounts
	Guessed  string // encoding that only the bytes suggest; empty: it was said, or is UTF-8 or UTF-16
}

// ReadCounts is what reading the pages came across.
type ReadCounts struct {
	Rows      int `json:"rows"`                // rows that held anything
	Blank     int `json:"blank,omitempty"`     // rows whose declared fields are all empty
	Unmatched int `json:"unmatched,omitempty"` // lines of text that parse.rows does not match
	Repeated  int `json:"repeated,omitempty"`  // rows equal to an earlier one in key and content
	Cut       int `json:"cut,omitempty"`       // rows with too few cells, left out
	Repaired  int `json:"repaired,omitempty"`  // characters that did not decode (U+FFFD)
	Chars     int `json:"chars,omitempty"`     // characters decoded

	RepairedRows int   `json:"repaired_rows,omitempty"` // rows in which a character did not decode
	RepairedAt   []int `json:"repaired_at,omitempty"`   // the first of their lines
	MixedScripts int   `json:"mixed_scripts,omitempty"` // rows with a word of Latin and Cyrillic or Greek letters, as look-alikes are

	Odd map[string]int `json:"odd,omitempty"` // by field: values not in map or not of their type, kept as published
}

// Again is what a page showed of entries that were known before it was read.
// They are not among those of its snapshot.
type Again struct {
	Entries int
	Digest  Hash
	Filled  map[string]int // by field: those in which it is not empty
}

// Len is the number of entries that the page showed.
func (s Snapshot) Len() int { return len(s.Entries) + s.Again.Entries }

// Digest names the set of the entries that the page showed, whatever their order:
// equal digests are equal sets.
func (s Snapshot) Digest() Hash {
	digest := s.Again.Digest
	for _, e := range s.Entries {
		identity := e.Identity()
		for i := range digest {
			digest[i] ^= identity[i]
		}
	}
	return digest
}

// Filled counts by field the entries in which it is not empty.
func (s Snapshot) Filled() map[string]int {
	filled := map[string]int{}
	maps.Copy(filled, s.Again.Filled)
	for _, e := range s.Entries {
		for _, v := range e.Fields {
			filled[v.Name]++
		}
	}
	return filled
}

// RowHash is a keyed hash of the bytes of a row, 128 bits of it: equal hashes are
// equal bytes, read by the same definition under the same header.
type RowHash [4]uint32

// RowParts is into how many parts rows are divided by their hashes, so that a part
// of very many fits in the processor's cache.
const RowParts = 256

// Part is one of RowParts.
func (h RowHash) Part() int { return int(h[3] >> 24) }

// RowFacts is what is remembered of a row beside its entry, a bit for each of the
// definition's fields, of which there are at most 31.
type RowFacts struct {
	Filled uint32 // it is not empty
	Odd    uint32 // not of its type, or not in its map; the last bit: a word mixes scripts
}

// Shape is the structure that rows were read from.
type Shape struct {
	Columns  []string `json:"columns"`            // header cells or keys seen, in order where there is one
	Missing  []string `json:"missing,omitempty"`  // declared fields, not optional, whose column is not there
	Unread   []string `json:"unread,omitempty"`   // columns that no field reads
	Language string   `json:"language,omitempty"` // that the page says it is in: "cs", "en"
}
