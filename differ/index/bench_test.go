package index

import (
	"testing"

	"github.com/regwatch/regwatch/register"
)

const benchEntries = 200_000

func benchIndex() *Index {
	x := New()
	for n := range benchEntries {
		identity := hashOf(n)
		x.SeeEntry(identity)
		x.Learn(identity, register.RowHash{uint32(n), uint32(n * 7), uint32(n * 31), uint32(identity[0]) << 24}, register.RowFacts{Filled: 3})
	}
	return x.Known()
}

// BenchmarkFile writes an index and reads it again.
func BenchmarkFile(b *testing.B) {
	x, files := benchIndex(), Files{Dir: b.TempDir()}
	head := Head{Register: "xx-test", Run: 1, Entries: benchEntries, Sum: x.Sum()}
	b.ReportAllocs()
	b.SetBytes(benchEntries * 40)
	for b.Loop() {
		if err := files.Save(x, head); err != nil {
			b.Fatal(err)
		}
		if _, err := files.Load(head); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeeEntry asks for every entry once.
func BenchmarkSeeEntry(b *testing.B) {
	x := benchIndex()
	identities := make([]register.Hash, benchEntries)
	for n := range identities {
		identities[n] = hashOf(n)
	}
	b.ReportAllocs()
	for b.Loop() {
		x.Begin()
		for _, identity := range identities {
			if known, again := x.SeeEntry(identity); !known || again {
				b.Fatal(known, again)
			}
		}
	}
}

// BenchmarkApply takes over a commit of a thousand changes.
func BenchmarkApply(b *testing.B) {
	x := benchIndex()
	var accepted []register.Accepted
	for n := range 1000 {
		e := register.Entry{Key: register.NewKey(string(rune('a' + n)))}
		accepted = append(accepted, register.Accepted{Kind: register.Added, After: &e}, register.Accepted{Kind: register.Removed, Before: &e})
	}
	b.ReportAllocs()
	for b.Loop() {
		x.Apply(accepted[:1000])
		x.Apply(accepted[1000:])
	}
}
