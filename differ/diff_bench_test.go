package differ_test

import (
	"fmt"
	"testing"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
)

// BenchmarkDiff compares two snapshots of 20,000 entries of which a hundredth
// differs.
func BenchmarkDiff(b *testing.B) {
	var prev, next register.Snapshot
	for i := range 20_000 {
		e := entry(fmt.Sprintf("%d|name %d|reason", i, i))
		prev.Entries = append(prev.Entries, e)
		if i%100 == 0 {
			e = entry(fmt.Sprintf("%d|name %d|another", i, i))
		}
		next.Entries = append(next.Entries, e)
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := differ.Diff(prev, next); len(d.Changed) != 200 {
			b.Fatal(len(d.Changed))
		}
	}
}

// BenchmarkDiffOneKey compares 20,000 entries that all have one key with as many
// others of it: what is taken out one by one takes the square of that.
func BenchmarkDiffOneKey(b *testing.B) {
	var prev, next register.Snapshot
	for i := range 20_000 {
		prev.Entries = append(prev.Entries, entry(fmt.Sprintf("1|name %d|reason", i)))
		next.Entries = append(next.Entries, entry(fmt.Sprintf("1|name %d|another", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := differ.Diff(prev, next); len(d.Changed) != 20_000 {
			b.Fatal(len(d.Changed), len(d.Added))
		}
	}
}
