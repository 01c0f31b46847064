package register

import "crypto/sha256"

// Snapshot is all entries of a register as one fetch showed them. It is
// immutable. Entries are in page order, and no two are equal in key and content.
type Snapshot struct {
	Entries  []Entry
	Delisted []Entry // rows for which listed_while is false: statements that they are gone
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

// Digest names the set of the snapshot's entries, whatever their order on the
// page: equal digests are equal sets.
func (s Snapshot) Digest() Hash {
	var digest Hash
	for _, e := range s.Entries {
		sum := sha256.Sum256(append([]byte(e.Key), e.Content[:]...))
		for i := range digest {
			digest[i] ^= sum[i]
		}
	}
	return digest
}

// Filled counts by field the entries in which it is not empty.
func (s Snapshot) Filled() map[string]int {
	filled := map[string]int{}
	for _, e := range s.Entries {
		for _, v := range e.Fields {
			filled[v.Name]++
		}
	}
	return filled
}

// Shape is the structure that rows were read from.
type Shape struct {
	Columns  []string `json:"columns"`            // header cells or keys seen, in order where there is one
	Missing  []string `json:"missing,omitempty"`  // declared fields, not optional, whose column is not there
	Unread   []string `json:"unread,omitempty"`   // columns that no field reads
	Language string   `json:"language,omitempty"` // that the page says it is in: "cs", "en"
}
