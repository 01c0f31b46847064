package scraper

import "github.com/regwatch/regwatch/register"

// Check gives everything that is wrong with the part of a definition that says
// how its pages are read: parse, fields, key, listed_while, fetch.encoding and
// expect.total. Empty: [NewReader] takes it.
func Check(def register.Definition) []register.FieldError {
	_, errs := NewReader(def)
	return errs
}
