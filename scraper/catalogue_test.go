package scraper

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// The definitions that ship read the real versions of their registers.
func TestCatalogue(t *testing.T) {
	sources, err := schedules.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := schedules.Load(sources, Check)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, def := range definitions {
		files, err := filepath.Glob(filepath.Join("testdata", def.ID, "*.gz"))
		if err != nil {
			t.Fatal(err)
		}
		var health register.Health
		for _, file := range files {
			body := unpack(t, file)
			s, proof := readBodies(t, def, health, nil, body)
			if proof.Complete() {
				health = healthOf(s, body)
			}
			state, _, _ := strings.Cut(verdict(proof), ":")
			fmt.Fprintf(&got, "%s %s listed %d delisted %d odd %v %s\n", def.ID, strings.TrimSuffix(filepath.Base(file), ".gz"), len(s.Entries), len(s.Delisted), s.Counts.Odd, state)
		}
	}
	golden(t, filepath.Join("testdata", "catalogue.golden"), got.String())
}
