package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// exact gives an instant as the store keeps it: UTC, to the microsecond.
func exact(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

// micros gives the column's value of an instant; NULL for none.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// microsOf is micros of an instant that may be missing.
func microsOf(t *time.Time) any {
	if t == nil {
		return nil
	}
	return micros(*t)
}

// instant reads a column into a time; NULL is the zero time.
type instant struct{ to *time.Time }

// Scan implements [sql.Scanner].
func (i instant) Scan(value any) error {
	var n sql.NullInt64
	if err := n.Scan(value); err != nil {
		return err
	}
	*i.to = time.Time{}
	if n.Valid {
		*i.to = time.UnixMicro(n.Int64).UTC()
	}
	return nil
}

// optional reads a column into a pointer to a time; NULL is nil.
type optional struct{ to **time.Time }

// Scan implements [sql.Scanner].
func (o optional) Scan(value any) error {
	var t time.Time
	if err := (instant{&t}).Scan(value); err != nil {
		return err
	}
	*o.to = nil
	if !t.IsZero() {
		*o.to = &t
	}
	return nil
}

// document reads a column of JSON into a value; NULL leaves it.
type document struct{ to any }

// Scan implements [sql.Scanner].
func (d document) Scan(value any) error {
	switch text := value.(type) {
	case nil:
		return nil
	case string:
		if values, ok := d.to.(*register.Values); ok { // the bulk of what is read; we wrote it, so it needs no validation
			return values.UnmarshalJSON([]byte(text))
		}
		return json.Unmarshal([]byte(text), d.to)
	default:
		return fmt.Errorf("column of JSON holds %T", value)
	}
}

// text gives the column's value of a value as JSON.
func text(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
