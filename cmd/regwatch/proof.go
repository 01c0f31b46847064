package main

import (
	"fmt"

	"github.com/regwatch/regwatch/register"
)

// proofTable shows how whole a fetch was.
func (p *program) proofTable(proof register.Proof) {
	if len(proof) == 0 {
		return
	}
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
