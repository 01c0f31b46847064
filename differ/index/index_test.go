package index

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/register"
)

func hashOf(n int) register.Hash {
	return register.Entry{Key: register.NewKey(fmt.Sprint(n))}.Identity()
}

func rowOf(n int) register.RowHash {
	h := hashOf(n)
	return register.RowHash{uint32(h[0]), uint32(h[1]), uint32(n + 1), uint32(h[3]) << 24}
}

// TestIndexFollowsTheModel plays pages and commits against maps.
func TestIndexFollowsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := Files{Dir: t.Name()}
		dir, err := os.MkdirTemp("", "index")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		files.Dir = dir
		head := Head{Register: "xx-test", Run: 1}
		model := map[int]bool{} // entry → its row is known
		x := New()
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 300), 0, 60, rapid.ID[int]).Draw(t, "baseline") {
			x.SeeEntry(hashOf(n))
			if model[n] = rapid.Bool().Draw(t, "learned"); model[n] {
				x.Learn(hashOf(n), rowOf(n), register.RowFacts{Filled: 1, Odd: uint32(n % 2)})
			}
		}
		for page := range rapid.IntRange(1, 4).Draw(t, "pages") {
			head.Run, head.Entries, head.Sum = register.RunID(page+1), len(model), x.Sum()
			if err := files.Save(x, head); err != nil {
				t.Fatal(err)
			}
			if x, err = files.Load(head); err != nil {
				t.Fatal(err)
			}
			x = playPage(t, x, model)
		}
	})
}

func playPage(t *rapid.T, x *Index, model map[int]bool) *Index {
	shown := rapid.SliceOfN(rapid.IntRange(0, 300), 0, 80).Draw(t, "shown")
	seen, again := map[int]bool{}, 0
	parts := map[int][]register.RowHash{}
	var others []int
	for _, n := range shown {
		if model[n] {
			parts[rowOf(n).Part()] = append(parts[rowOf(n).Part()], rowOf(n))
			if seen[n] {
				again++
			}
			seen[n] = true
		} else {
			others = append(others, n)
			parts[rowOf(n).Part()] = append(parts[rowOf(n).Part()], rowOf(n))
		}
	}
	var scratch []uint32
	missed, gotAgain := 0, 0
	for part, hashes := range parts {
		var n int
		n, scratch = x.SeeRows(part, hashes, scratch, func(int) { missed++ })
		gotAgain += n
	}
	if missed != len(others) || gotAgain != again {
		t.Fatalf("%d rows missed and %d again, want %d and %d", missed, gotAgain, len(others), again)
	}
	identities := make([]register.Hash, len(others))
	for i, n := range others {
		identities[i] = hashOf(n)
	}
	known, _ := x.SeeEntries(identities)
	var accepted []register.Accepted
	for i, n := range others {
		_, is := model[n]
		if known[i] != is {
			t.Fatalf("entry %d is known: %v, want %v", n, known[i], is)
		}
		if is {
			seen[n] = true
		} else if !slices.ContainsFunc(accepted, func(a register.Accepted) bool { return a.After.Identity() == hashOf(n) }) {
			accepted = append(accepted, register.Accepted{Kind: register.Added, After: &register.Entry{Key: register.NewKey(fmt.Sprint(n))}})
			x.Learn(hashOf(n), rowOf(n), register.RowFacts{})
			defer func() { model[n] = true }()
		}
	}
	var unseen []register.Hash
	for n := range model {
		if !seen[n] {
			unseen = append(unseen, hashOf(n))
			if rapid.Bool().Draw(t, "removed") {
				accepted = append(accepted, register.Accepted{Kind: register.Removed, Before: &register.Entry{Key: register.NewKey(fmt.Sprint(n))}})
				defer delete(model, n)
			}
		}
	}
	got := x.Unseen()
	byBytes := func(a, b register.Hash) int { return bytes.Compare(a[:], b[:]) }
	slices.SortFunc(got, byBytes)
	slices.SortFunc(unseen, byBytes)
	if !slices.Equal(got, unseen) {
		t.Fatalf("%d unseen, want %d", len(got), len(unseen))
	}
	if sum, _, _ := x.Seen(); sum.Entries != len(seen) {
		t.Fatalf("%d seen, want %d", sum.Entries, len(seen))
	}
	x.Apply(accepted)
	return x
}

// TestSumNamesAllThatIsKnown: an index that knows anything else has another sum,
// and one that is written and read has the same.
func TestSumNamesAllThatIsKnown(t *testing.T) {
	sumOf := func(change func(x *Index)) register.Hash {
		x := New()
		x.seed = 1
		for n := range 50 {
			x.SeeEntry(hashOf(n))
			x.Learn(hashOf(n), rowOf(n), register.RowFacts{Filled: 1})
		}
		change(x)
		sum := x.Sum()
		files, head := Files{Dir: t.TempDir()}, Head{Register: "xx-test", Run: 1, Entries: x.Len(), Sum: sum}
		if err := files.Save(x, head); err != nil {
			t.Fatal(err)
		}
		if y, err := files.Load(head); err != nil || y.Sum() != sum {
			t.Fatalf("read again: %v", err)
		}
		return sum
	}
	whole := sumOf(func(*Index) {})
	if again := sumOf(func(*Index) {}); again != whole {
		t.Fatal("the same index has two sums")
	}
	for name, change := range map[string]func(x *Index){
		"an entry more":     func(x *Index) { x.Add(hashOf(50)) },
		"another entry":     func(x *Index) { x.entries[7] = hashOf(50) },
		"another row":       func(x *Index) { x.rows[7] = rowOf(50) },
		"rows interchanged": func(x *Index) { x.rows[7], x.rows[8] = x.rows[8], x.rows[7] },
		"other facts":       func(x *Index) { x.facts[7].Odd = 1 },
		"another key":       func(x *Index) { x.seed = 2 },
	} {
		if sumOf(change) == whole {
			t.Errorf("%s: the sum is the same", name)
		}
	}
}

// TestDamagedFileIsNoIndex turns single bits of a file: none may be believed.
func TestDamagedFileIsNoIndex(t *testing.T) {
	x := New()
	for n := range 50 {
		x.SeeEntry(hashOf(n))
		x.Learn(hashOf(n), rowOf(n), register.RowFacts{})
	}
	files, head := Files{Dir: t.TempDir()}, Head{Register: "xx-test", Run: 3, Entries: 50, Fingerprint: "f", Sum: x.Sum()}
	if err := files.Save(x, head); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(files.path("xx-test"))
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 7 {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 4
		if x, err := read(bytes.NewReader(damaged), head); err == nil {
			t.Fatalf("byte %d was turned, and %d entries were read", at, x.Len())
		}
	}
	for cut := 0; cut < len(whole); cut += 11 {
		if _, err := read(bytes.NewReader(whole[:cut]), head); !errors.Is(err, ErrStale) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

// TestIndexOfAnotherHead: each part of a head's name counts.
func TestIndexOfAnotherHead(t *testing.T) {
	x := New()
	x.SeeEntry(hashOf(1))
	files, head := Files{Dir: t.TempDir()}, Head{Register: "xx-test", Run: 3, Entries: 1, Fingerprint: "f", Sum: x.Sum()}
	if err := files.Save(x, head); err != nil {
		t.Fatal(err)
	}
	if _, err := files.Load(head); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]Head{
		"run":         {"xx-test", 4, 1, "f", x.Sum()},
		"entries":     {"xx-test", 3, 2, "f", x.Sum()},
		"fingerprint": {"xx-test", 3, 1, "g", x.Sum()},
		"sum":         {"xx-test", 3, 1, "f", register.Hash{1}},
		"no sum":      {"xx-test", 3, 1, "f", register.Hash{}},
	} {
		if _, err := files.Load(other); !errors.Is(err, ErrStale) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := files.Load(Head{Register: "xx-other"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("another register: %v", err)
	}
	if err := errors.Join(files.Remove("xx-test"), files.Remove("xx-test")); err != nil {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	x := New()
	x.SeeEntry(hashOf(1))
	var file bytes.Buffer
	head := Head{Register: "xx-test", Run: 1, Entries: 1, Sum: x.Sum()}
	if err := x.write(&file, head); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := read(bytes.NewReader(b), head); err == nil && x.Len() != 1 {
			t.Errorf("%d entries", x.Len())
		}
	})
}

// TestExpectMakesRoomOnce: what is read twice is not expected twice.
func TestExpectMakesRoomOnce(t *testing.T) {
	x := New()
	for range 2 {
		x.Expect(5000)
		x.Begin()
		for n := range 4000 {
			x.SeeEntry(hashOf(n))
		}
		if x.Len() != 4000 || cap(x.entries) != 5000 || cap(x.rows) != 5000 {
			t.Errorf("%d entries in room for %d, want 4000 in 5000", x.Len(), cap(x.entries))
		}
	}
	if x.Known().Expect(10_000); cap(x.entries) != 5000 {
		t.Error("room was made for what will not be learned")
	}
}

// What was found one by one before a commit is not found by the same way after it.
func TestApplyForgetsWhereEntriesWere(t *testing.T) {
	entries := make([]register.Entry, 100)
	x := New()
	for i := range entries {
		entries[i] = register.Entry{Key: register.NewKey(fmt.Sprint(i))}
		x.SeeEntry(entries[i].Identity())
	}
	x.Known()
	x.SeeEntry(entries[0].Identity()) // makes the way
	x.Apply([]register.Accepted{{Kind: register.Removed, Before: &entries[3]}})
	x.Begin()
	for i, e := range entries {
		if known, again := x.SeeEntry(e.Identity()); known == (i == 3) || again {
			t.Errorf("entry %d: known %t, again %t", i, known, again)
		}
	}
	if unseen := x.Unseen(); len(unseen) != 0 {
		t.Errorf("%d entries are unseen", len(unseen))
	}
}

// A page that is read whole teaches only what is not known of its rows.
func TestKnownRowsAreNotLearned(t *testing.T) {
	facts := register.RowFacts{Filled: 3}
	for name, test := range map[string]struct {
		row   register.RowHash
		facts register.RowFacts
		want  bool
	}{
		"the same":    {rowOf(1), facts, false},
		"other bytes": {rowOf(2), facts, true},
		"other facts": {rowOf(1), register.RowFacts{Filled: 1}, true},
	} {
		x := New()
		x.SeeEntry(hashOf(1))
		x.Learn(hashOf(1), rowOf(1), facts)
		x.Known().SeeEntry(hashOf(1))
		if x.Learn(hashOf(1), test.row, test.facts); x.HasLearned() != test.want {
			t.Errorf("%s: learned %t", name, x.HasLearned())
		}
	}
}
