package scraper

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// A list that is suddenly written in another form must not look like a list
// from which most entries are gone.
func TestLinesOfAnotherFormMakeAFetchPartial(t *testing.T) {
	def := register.Definition{
		ID: "xx-text", Key: []string{"domain"}, Parse: register.Parse{Format: register.FormatText, Rows: `^(?P<domain>\S+)\s+(?P<on>\S+)$`},
		Fields: []register.Field{{Name: "domain", From: []register.Source{{Name: "domain"}}}},
	}
	lines := "The list of blocked sites\na.example 2024\nb.example 2024\nc.example 2024\n"
	for _, test := range []struct {
		name, body string
		health     register.Health
		complete   bool
		unmatched  int
	}{
		{"a heading", lines, register.Health{}, true, 1},
		{"the same heading", lines, register.Health{Known: true, Unmatched: 1, EndsWithNewline: true}, true, 1},
		{
			"another form", strings.ReplaceAll(lines, "example 2024", "example, since the year 2024") + strings.Repeat("x\n", 2) + "d.example 2024\n",
			register.Health{Known: true, Unmatched: 1, EndsWithNewline: true},
			false, 6,
		},
	} {
		snapshot, proof := readBodies(t, def, test.health, nil, []byte(test.body))
		if proof.Complete() != test.complete || snapshot.Counts.Unmatched != test.unmatched || proof.Failed() != nil {
			t.Errorf("%s: complete %v, %d lines unmatched, %+v", test.name, proof.Complete(), snapshot.Counts.Unmatched, proof)
		}
	}
}
