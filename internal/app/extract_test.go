package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// A version that is cut in the last cell of a row looks whole by itself; the other one
// says that its lines end.
func TestCompareDoubtsALineThatDoesNotEnd(t *testing.T) {
	def := register.Definition{
		ID: "xx-lines", Parse: register.Parse{Format: register.FormatCSV}, Key: []string{"number"},
		Fields: []register.Field{{Name: "number"}, {Name: "listed_on"}},
	}
	const rows = 200_000 // so many that they are compared by their bytes
	var b strings.Builder
	b.WriteString("number,listed_on\n")
	for i := range rows {
		fmt.Fprintf(&b, "site-%d.example,2020-01-01\n", i)
	}
	large := b.String()
	for _, c := range []struct{ name, older, newer, doubt string }{
		{"newer", "number,listed_on\n1,2020-01-01\n", "number,listed_on\n1,2020-01", "newer"},
		{"older", "number,listed_on\n1,2020-01", "number,listed_on\n1,2020-01-01\n", "older"},
		{"both end", "number,listed_on\n1,2020-01-01\n", "number,listed_on\n2,2020-01-01\n", ""},
		{"neither ends", "number,listed_on\n1,2020-01-01", "number,listed_on\n2,2020-01-01", ""},
		{"large", large, large[:len(large)-4], "newer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			older, newer := filepath.Join(dir, "older"), filepath.Join(dir, "newer")
			for path, text := range map[string]string{older: c.older, newer: c.newer} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			compared, err := Compare(t.Context(), def, older, newer)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(compared.Doubts, "\n")
			if c.doubt == "" && got != "" || c.doubt != "" && !strings.HasPrefix(got, filepath.Join(dir, c.doubt)+": its last line does not end") {
				t.Errorf("doubts %q, want one of %q", got, c.doubt)
			}
		})
	}
}
