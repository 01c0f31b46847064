package differ

import (
	"fmt"

	"github.com/regwatch/regwatch/register"
)

// Check finds what a definition says that the differ could not work with.
func Check(def register.Definition) []register.FieldError {
	var wrong []register.FieldError
	if def.Expect.Confirm < 0 {
		wrong = append(wrong, register.FieldError{Path: "expect.removals.confirm", Message: "must be at least 1"})
	}
	ignored := map[string]bool{}
	for _, name := range def.Ignore {
		ignored[name] = true
	}
	for i, name := range def.Key {
		if ignored[name] {
			wrong = append(wrong, register.FieldError{
				Path: fmt.Sprintf("key[%d]", i), Message: fmt.Sprintf("field %q is ignored and can not identify an entry", name),
				Hint: "take it out of `ignore`, or out of `key`",
			})
		}
	}
	return wrong
}
