package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"github.com/regwatch/regwatch/register"
)

// blocklist writes versions of a register in the form of the Russian one of
// December 2014, which may not be shipped: CSV in windows-1251 without a header,
// rows that repeat, rows that share a key, and the differences of nine versions.
type blocklist struct {
	rows []string
	next int
}

// add lists n new entries.
func (b *blocklist) add(n int) {
	for range n {
		b.rows = append(b.rows, fmt.Sprintf("192.0.2.%d;d%d.example;http://d%d.example/p;Роскомнадзор;27/3-%d;2014-12-01", b.next%250, b.next, b.next, b.next))
		b.next++
	}
}

// remove delists the n entries from a position on.
func (b *blocklist) remove(at, n int) { b.rows = slices.Delete(slices.Clone(b.rows), at, at+n) }

// amend gives n entries another address.
func (b *blocklist) amend(at, n int) {
	b.rows = slices.Clone(b.rows)
	for i := at; i < at+n; i++ {
		b.rows[i] = fmt.Sprintf("198.51.100.%d | ", b.next%250) + b.rows[i]
	}
}

func (b *blocklist) write(t *testing.T, dir string, at time.Time) {
	t.Helper()
	text := "Updated: " + at.Format("2006-01-02 15:04:05 -0700") + "\n" + strings.Join(b.rows, "\n") + "\n"
	encoded, err := charmap.Windows1251.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, at.Format("2006-01-02T150405Z")+".csv"), []byte(encoded), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestImportOfABlocklistInTheFormOfDecember2014(t *testing.T) {
	dir, at := t.TempDir(), time.Date(2014, 12, 1, 17, 9, 10, 0, time.UTC)
	b := &blocklist{}
	b.add(4349)
	b.rows = append(b.rows, "203.0.113.9"+b.rows[100][strings.IndexByte(b.rows[100], ';'):]) // shares its key, and differs
	b.rows = append(b.rows, b.rows[200], b.rows[300])                                        // repeats
	const github = "192.30.252.131;github.example;http://github.example/x;Роскомнадзор;31-1;2014-12-02"
	for _, step := range []func(){
		func() {},
		func() { b.add(3); b.amend(10, 2) },
		func() { b.add(26); b.rows = append(b.rows, github) },
		func() { b.remove(50, 1) },
		func() { b.add(27); b.amend(20, 1) },
		func() { b.add(52); b.remove(60, 7); b.amend(30, 5) },
		func() { b.remove(400, 6); b.remove(slices.Index(b.rows, github), 1) },
		func() { b.add(1); b.amend(40, 2) },
		func() { b.remove(500, 2) },
	} {
		step()
		b.write(t, dir, at)
		at = at.Add(11 * time.Hour)
	}
	var got []string
	a := openApp(t)
	err := a.Import(t.Context(), blocklistDefinition(), dir, func(v Imported) {
		got = append(got, strings.SplitN(announcedLine(v), " ", 2)[1])
	}, ignoreNote)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"baseline entries 4350, announced +0 -0 ~0, waiting -0",
		"changed entries 4353, announced +3 -0 ~2, waiting -0",
		"changed entries 4380, announced +27 -0 ~0, waiting -0",
		"unchanged entries 4380, announced +0 -0 ~0, waiting -1",
		"changed entries 4406, announced +27 -1 ~1, waiting -0",
		"changed entries 4458, announced +52 -0 ~5, waiting -7",
		"changed entries 4451, announced +0 -7 ~0, waiting -7",
		"changed entries 4445, announced +1 -7 ~2, waiting -0",
		"unchanged entries 4445, announced +0 -0 ~0, waiting -2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	life, err := a.Entry(t.Context(), "xx-blocklist", "github.example")
	if err != nil || len(life.Changes) != 2 || life.Changes[0].Kind != register.Added || life.Changes[1].Kind != register.Removed {
		t.Errorf("github was listed and delisted: %+v, %v", life.Changes, err)
	}
}

func blocklistDefinition() register.Definition {
	def := register.Definition{
		ID: "xx-blocklist", Title: "Blocklist", Fetch: register.Fetch{Encoding: "windows-1251"},
		Parse: register.Parse{Format: register.FormatCSV, Delimiter: ";", NoHeader: true, Skip: 1},
		Key:   []string{"domain", "url", "authority", "number", "date"},
	}
	for i, name := range []string{"address", "domain", "url", "authority", "number", "date"} {
		def.Fields = append(def.Fields, register.Field{Name: name, From: []register.Source{{Index: i, ByIndex: true}}})
	}
	return def
}
