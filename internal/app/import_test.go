package app

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
)

// TestImportOfRealSeriesAcceptsWhatWasAnnounced plays real published versions,
// with the accidents that really happened, against counts from code that shares
// nothing with ours.
func TestImportOfRealSeriesAcceptsWhatWasAnnounced(t *testing.T) {
	for _, id := range []string{"cz-mf-blocklist", "eu-esma-mica-casp", "us-cisa-kev", "ee-emta-blocked"} {
		t.Run(id, func(t *testing.T) {
			def := shippedDefinition(t, id)
			def.ListedWhile = "" // every row counts as listed there
			want := announced(t, id)
			var got []string
			for _, v := range importSeries(t, def) {
				got = append(got, announcedLine(v))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestImportOfTheCzechRegisterAsShipped counts listed rows only: a row that
// says when it was taken off the register is none.
func TestImportOfTheCzechRegisterAsShipped(t *testing.T) {
	want := []string{
		"baseline entries 857 +0 -0", "changed entries 905 +48 -0", "changed entries 2123 +1218 -0",
		"changed entries 2170 +47 -0", "changed entries 2197 +27 -0", "changed entries 2334 +137 -0",
		"changed entries 2394 +61 -1", "changed entries 2421 +27 -0", "changed entries 2484 +63 -0",
	}
	var got []string
	for _, v := range importSeries(t, shippedDefinition(t, "cz-mf-blocklist")) {
		if v.Outcome == register.OutcomeFailed {
			if v.Reason == "" {
				t.Errorf("%s failed without a reason", v.File)
			}
			continue
		}
		got = append(got, fmt.Sprintf("%s entries %d +%d -%d", v.Outcome, v.Entries, v.Added, v.Removed))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestImportTwiceSkipsWhatIsNotNewer(t *testing.T) {
	def := shippedDefinition(t, "us-cisa-kev")
	a := openApp(t)
	dir := unpackSeries(t, def.ID)
	if err := a.Import(t.Context(), def, dir, func(Imported) {}, ignoreNote); err != nil {
		t.Fatal(err)
	}
	before := countChanges(t, a)
	skipped := 0
	err := a.Import(t.Context(), def, dir, func(v Imported) {
		if v.Outcome == OutcomeSkipped {
			skipped++
		}
	}, ignoreNote)
	if err != nil || skipped != 6 {
		t.Fatalf("skipped %d of 6, err %v", skipped, err)
	}
	if after := countChanges(t, a); after != before {
		t.Errorf("%d changes after the second import, %d before", after, before)
	}
}

func importSeries(t *testing.T, def register.Definition) []Imported {
	t.Helper()
	var versions []Imported
	err := openApp(t).Import(t.Context(), def, unpackSeries(t, def.ID), func(v Imported) { versions = append(versions, v) }, ignoreNote)
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

func ignoreNote(string) {}

// unpackSeries writes a series as somebody would have archived it.
func unpackSeries(t *testing.T, id string) string {
	t.Helper()
	dir := t.TempDir()
	packed, err := filepath.Glob(filepath.Join("testdata/series", id, "*.gz"))
	if err != nil || len(packed) == 0 {
		t.Fatalf("series %s: %d files, %v", id, len(packed), err)
	}
	for _, path := range packed {
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".gz")), unpack(t, path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func unpack(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// announced gives the lines of a register, without its id.
func announced(t *testing.T, id string) []string {
	t.Helper()
	file, err := os.Open("testdata/series/announced.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if line, ok := strings.CutPrefix(scanner.Text(), id+" "); ok {
			lines = append(lines, line)
		}
	}
	return lines
}

// announcedLine writes what was imported as announced.txt does.
func announcedLine(v Imported) string {
	if v.Outcome == register.OutcomeFailed {
		return v.File + " failed"
	}
	return fmt.Sprintf("%s %s entries %d, announced +%d -%d ~%d, waiting -%d",
		v.File, v.Outcome, v.Entries, v.Added+v.Relisted, v.Removed, v.Changed, v.Waiting)
}

func shippedDefinition(t *testing.T, id string) register.Definition {
	t.Helper()
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	def, ok := shipped[id]
	if !ok {
		t.Fatalf("%s does not ship", id)
	}
	return def
}

func countChanges(t *testing.T, a *App) int {
	t.Helper()
	n := 0
	if err := a.Store.Changes(context.Background(), register.ChangeFilter{}, func(register.Change) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}
