package differ

import (
	"strings"

	"github.com/regwatch/regwatch/register"
)

// statements finds the row that says of an entry that it is delisted: the entry's
// own row with something filled in, so that it agrees with every field that the
// entry has. The row of an earlier listing of the same thing does not.
type statements struct {
	rows  []register.Entry
	taken []bool
	// by the names of the fields that entries have, and by what these say
	positions map[string]map[register.Hash][]int
}

func statementsOf(rows []register.Entry) *statements {
	return &statements{rows: rows, taken: make([]bool, len(rows)), positions: map[string]map[register.Hash][]int{}}
}

// take gives the position of the first row of the entry that was not taken yet.
func (s *statements) take(e register.Entry) (int, bool) {
	rows, mark := s.by(e.Fields), register.ContentHash(e.Fields)
	for len(rows[mark]) > 0 {
		at := rows[mark][0]
		rows[mark] = rows[mark][1:]
		if !s.taken[at] {
			s.taken[at] = true
			return at, true
		}
	}
	return 0, false
}

// by gives the positions of the rows by what they say in the fields that are
// named in an entry's.
func (s *statements) by(fields register.Values) map[register.Hash][]int {
	var names strings.Builder
	for _, v := range fields {
		names.WriteString(v.Name + "\x00")
	}
	found, ok := s.positions[names.String()]
	if ok {
		return found
	}
	found = map[register.Hash][]int{}
	said := make(register.Values, len(fields))
	for i, row := range s.rows {
		for j, v := range fields {
			said[j] = register.Value{Name: v.Name, Text: row.Fields.Get(v.Name)}
		}
		mark := register.ContentHash(said)
		found[mark] = append(found[mark], i)
	}
	s.positions[names.String()] = found
	return found
}
