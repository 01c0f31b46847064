package sqlite

import "strings"

// conditions builds a WHERE clause from fixed texts; values are always
// arguments, never part of the text.
type conditions struct {
	texts []string
	args  []any
}

// add adds one condition if it applies.
func (c *conditions) add(applies bool, text string, args ...any) {
	if applies {
		c.texts = append(c.texts, text)
		c.args = append(c.args, args...)
	}
}

// where gives the clause; empty where no condition applies.
func (c *conditions) where() string {
	if len(c.texts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.texts, " AND ")
}

// marks gives n parameters for an IN list.
func marks(n int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
}
