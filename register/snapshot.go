package register

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
	Rows     int            `json:"rows"`               // rows that held anything
	Blank    int            `json:"blank,omitempty"`    // rows whose declared fields are all empty
	Repeated int            `json:"repeated,omitempty"` // rows equal to an earlier one in key and content
	Cut      int            `json:"cut,omitempty"`      // rows with too few cells, left out
	Repaired int            `json:"repaired,omitempty"` // characters that did not decode (U+FFFD)
	Chars    int            `json:"chars,omitempty"`    // characters decoded
	Odd      map[string]int `json:"odd,omitempty"`      // by field: values not in map or not of their type, kept as published
}

// Shape is the structure that rows were read from.
type Shape struct {
	Columns []string `json:"columns"`           // header cells or keys seen, in order where there is one
	Missing []string `json:"missing,omitempty"` // declared fields, not optional, whose column is not there
	Unread  []string `json:"unread,omitempty"`  // columns that no field reads
}
