package scraper

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// A key that is the same on every row names no entry: the page is not believed,
// however it is read, and a page that only begins like that loses none of its entries.
func TestKeysThatTellNothingApart(t *testing.T) {
	def := definition(register.FormatCSV, "number", "name")
	old := rowsOfKeys(distinct(20_000), 0)
	for _, test := range []struct {
		name    string
		page    string
		fails   bool
		entries int
	}{
		{"one key", rowsOfKeys(0, 10_000), true, 0},
		{"one key, of fewer rows", rowsOfKeys(0, 9_999), false, 9_999},
		{"more than a key of a thousand rows", rowsOfKeys(distinct(10), 9_990), false, 10_000},
		{"as many as are not kept", rowsOfKeys(0, 60_000), true, 0},
		{"as many, and a few others behind them", rowsOfKeys(0, 60_000) + body(rowsOfKeys(distinct(40), 0)), true, 0},
		{"as many, and enough others behind them", rowsOfKeys(0, 60_000) + body(rowsOfKeys(distinct(100), 0)), false, 60_100},
		{"one key beside what is known", old + body(rowsOfKeys(0, 15_000)), false, 35_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			reader := mustReader(t, def)
			reader.large = 0
			known := indexOf(t, reader, []byte(old))
			against, proof := readAgainst(t, reader, []byte(test.page), known, register.Health{Shape: register.Shape{Columns: []string{"number", "name"}}})
			whole, wholeProof := readWhole(t, reader, []byte(test.page), register.Health{})
			if proof.Complete() == test.fails || wholeProof.Complete() == test.fails {
				t.Fatalf("against what is known: %+v; whole: %+v", proof, wholeProof)
			}
			if against.Len() != test.entries || whole.Len() != test.entries {
				t.Errorf("%d and %d entries, want %d", against.Len(), whole.Len(), test.entries)
			}
			if test.fails && !strings.Contains(proof.Failed().Detail, "(field0): the key tells no entries apart") {
				t.Errorf("told as %q", proof.Failed().Detail)
			}
		})
	}
}

type distinct int // keys, one for each row

// rowsOfKeys makes a page of rows with keys of their own, and of rows that share one.
func rowsOfKeys(own distinct, sharing int) string {
	var page strings.Builder
	page.WriteString("number,name\n")
	for i := range int(own) {
		fmt.Fprintf(&page, "own-%d,a name\n", i)
	}
	for i := range sharing {
		fmt.Fprintf(&page, "1,name %d\n", i)
	}
	return page.String()
}

func body(page string) string { return strings.TrimPrefix(page, "number,name\n") }

// Of a page whose keys tell nothing apart no more is in memory than shows that.
func TestEntriesWithoutKeysAreNotKept(t *testing.T) {
	reader := mustReader(t, definition(register.FormatCSV, "number", "name"))
	page := []byte(rowsOfKeys(0, spareFrom+1))
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(page)), nil }
	b := newSnapshotBuilder(reader)
	b.spares = true
	_, proof, err := reader.readInto(t.Context(), []register.Page{savedOf(page).Page}, open, b, register.Health{})
	if err != nil || proof.Failed() == nil {
		t.Fatal(proof, err)
	}
	if !b.spared || len(b.own) > 0 || len(b.snapshot.Entries) > 0 {
		t.Errorf("%d identities and %d entries are kept", len(b.own), len(b.snapshot.Entries))
	}
}
