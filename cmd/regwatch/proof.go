package main

import (
	"fmt"

	"github.com/regwatch/regwatch/register"
)

// proofTable shows how whole a fetch was, below a blank line; nothing of one that
// brought nothing.
func (p *program) proofTable(proof register.Proof) {
	if len(proof) == 0 {
		return
	}
	p.say("")
	t := newWholeTable(p.out, "CHECK", "VERDICT", "DETAIL")
	for _, check := range proof {
		t.row(check.Name, string(check.Verdict), check.Detail)
	}
	t.flush()
}

// incomplete is the error of pages that are not what their definition reads.
func incomplete(def register.Definition, check *register.Check) error {
	return &register.Failure{Class: check.Class, Where: def.ID, Err: fmt.Errorf("%s: %s", check.Name, check.Detail)}
}
