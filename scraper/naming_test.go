package scraper

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
)

// A key that is the same on every row names no entry: the page is not believed,
// however it is read, and a page that only begins like that loses none of its entries.
func TestKeysThatTellNothingApart(t *testing.T) {
	def := definition(register.FormatCSV, "number", "name")
	old := rowsOfKeys(distinct(15_000), 0)
	other := strings.ReplaceAll(body(rowsOfKeys(distinct(20), 0)), "own-", "other-")
	few := strings.Join(strings.SplitAfter(other, "\n")[:10], "")
	many := rowsOfKeys(0, 14_000)
	for _, test := range []struct {
		name, old, page string
		fails           bool
		entries         int
	}{
		{"one key", old, rowsOfKeys(0, 10_000), true, 0},
		{"one key, of fewer rows", old, rowsOfKeys(0, 9_999), false, 9_999},
		{"more than a key of a thousand rows", old, rowsOfKeys(0, 9_990) + strings.Join(strings.SplitAfter(other, "\n")[:10], ""), false, 10_000},
		{"as many as are not kept", old, many, true, 0},
		{"as many, and a few others behind them", old, many + few, true, 0},
		{"as many, and enough others behind them", old, many + other, false, 14_020},
		{"as many twice, and enough others", old, many + body(many) + other, false, 14_020},
		{"one key beside what is known", old, old + body(rowsOfKeys(0, 11_000)), false, 26_000},
		{"as many beside more that is known", old, old + body(many), false, 29_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			reader := mustReader(t, def)
			reader.dropFrom = 12_000
			health := register.Health{Shape: register.Shape{Columns: []string{"number", "name"}}}
			for _, large := range []int64{0, 1 << 30} { // by rows, and whole
				reader.large = large
				got, proof := readAgainst(t, reader, []byte(test.page), indexOf(t, reader, []byte(test.old)), health)
				if proof.Complete() == test.fails || got.Len() != test.entries {
					t.Fatalf("against what is known, by rows from %d bytes: %d entries, want %d: %+v", large, got.Len(), test.entries, proof)
				}
				if test.fails && !strings.Contains(proof.Failed().Detail, "(field0): the key tells none apart") {
					t.Errorf("told as %q", proof.Failed().Detail)
				}
			}
			first := indexOf(t, reader, []byte(test.page))
			if sound := first != nil; sound == test.fails {
				t.Errorf("as a first page it is sound: %t", sound)
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
	page := []byte(rowsOfKeys(0, fewestNamed+1))
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(page)), nil }
	reader.dropFrom = fewestNamed
	b := newSnapshotBuilder(reader)
	b.known = index.New().Known()
	_, proof, err := reader.readInto(t.Context(), []register.Page{savedOf(page).Page}, open, b, register.Health{})
	if err != nil || proof.Failed() == nil {
		t.Fatal(proof, err)
	}
	if !b.dropped || len(b.snapshot.Entries) > 0 {
		t.Errorf("%d entries are kept", len(b.snapshot.Entries))
	}
}
