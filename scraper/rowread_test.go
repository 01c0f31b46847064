package scraper

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/register"
)

// TestReadAgainstIsTheObviousReading reads random pages twice, with every nuisance
// that files have: against what an earlier page showed, by the bytes of their rows,
// and whole.
func TestReadAgainstIsTheObviousReading(t *testing.T) {
	fast, arriving := 0, 0
	for seed := range cases() {
		p := newPublisher(seed)
		reader, errs := NewReader(p.definition())
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		reader.large = 0
		reader.chunk = 1 + p.rand.IntN(400)
		older, newer := p.page(), p.page()
		known := indexOf(t, reader, older)
		if known == nil {
			continue
		}
		before := readEach(t, reader, older)
		last, _ := readWhole(t, reader, older, register.Health{})
		health := register.Health{Shape: last.Shape} // lines of JSON name their own columns
		got, proof := readAgainst(t, reader, newer, known, health)
		if _, _, err := reader.readByRows(t.Context(), savedOf(newer), health, indexOf(t, reader, older), nil); err == nil {
			fast++
		}
		if hashed := hashArriving(t, reader, newer, known, health); hashed != nil {
			arriving++
			hashed.Close()
		}
		want, whole := readWhole(t, reader, newer, health)
		if diff := cmp.Diff(whole, proof); diff != "" {
			t.Fatalf("seed %d: proof (-whole +against)\n%s\n%q", seed, diff, newer)
		}
		if whole.Failed() != nil {
			continue
		}
		a, b := told(want, before), toldAgainst(got, known)
		if p.ignores { // of rows that are one entry, any may be the one that is counted
			delete(a.Filled, "note")
			delete(b.Filled, "note")
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("seed %d (-whole +against)\n%s\n--- older\n%q\n--- newer\n%q", seed, diff, older, newer)
		}
	}
	if least := int(cases()) / 3; fast < least || arriving < least {
		t.Errorf("%d of %d pages were read by their rows and %d while they arrived, want at least %d: the others prove nothing", fast, cases(), arriving, least)
	}
}

// TestReadAgainstAnotherReading reads the same bytes under another header, and in
// another encoding: no row of them may be taken for known.
func TestReadAgainstAnotherReading(t *testing.T) {
	p := newPublisher(1)
	p.text, p.lines, p.header, p.skip, p.mark, p.encoding, p.comma, p.delists = false, false, true, 0, false, nil, ",", false
	reader, errs := NewReader(p.definition())
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	reader.large = 0
	page := []byte("id,domain,name,listed,gone,note\n1,a.com,b.com,1.1.2024,,\n2,a.org,b.org,1.1.2024,,\n3,a.net,b.net,1.1.2024,,\n")
	turned := bytes.Replace(page, []byte("domain,name"), []byte("name,domain"), 1)
	known := indexOf(t, reader, page)
	got, _ := readAgainst(t, reader, turned, known, register.Health{})
	if len(got.Entries) != 3 || got.Again.Entries != 0 {
		t.Errorf("%d entries are new and %d known, want 3 and none: the columns are not the same", len(got.Entries), got.Again.Entries)
	}
}

// TestHashedUnderAnotherHeader has the rows hashed of an answer that said another
// encoding than the one which is read.
func TestHashedUnderAnotherHeader(t *testing.T) {
	reader, errs := NewReader(own("http://register.example/"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	reader.large = 0
	page := []byte("name\nOne\nTwo\nThree\n")
	known := indexOf(t, reader, page)
	other := savedOf(page).Page
	other.ResponseHeader = http.Header{"Content-Type": {"text/csv; charset=windows-1250"}}
	for name, test := range map[string]struct {
		page register.Page
		want error
	}{"the same": {savedOf(page).Page, nil}, "another": {other, errUnfit}} {
		hashed, err := reader.HashRows(t.Context(), test.page, whole{bytes.NewReader(page), int64(len(page))}, register.Health{}, known)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := reader.readByRows(t.Context(), savedOf(page), register.Health{}, known, hashed); !errors.Is(err, test.want) {
			t.Errorf("%s header: %v, want %v", name, err, test.want)
		}
		hashed.Close()
	}
}

// indexOf gives the index that a first fetch of a page leaves; nil where it is no
// whole page.
func indexOf(t *testing.T, reader *Reader, page []byte) *index.Index {
	t.Helper()
	x := index.New()
	_, proof := readAgainst(t, reader, page, x, register.Health{})
	if !proof.Complete() {
		return nil
	}
	return x.Known()
}

// readAgainst reads a page of which every other one is looked at while it arrives.
func readAgainst(t *testing.T, reader *Reader, page []byte, known Known, health register.Health) (register.Snapshot, register.Proof) {
	t.Helper()
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(page)), nil }
	saved := savedOf(page)
	var hashed *HashedRows
	if len(page)%2 == 0 {
		hashed = hashArriving(t, reader, page, known, health)
		defer hashed.Close()
	}
	s, proof, err := reader.ReadAgainst(t.Context(), []register.Page{saved.Page}, open, saved.Body, health, known, hashed)
	if err != nil {
		t.Fatal(err)
	}
	return s, proof
}

// hashArriving hashes the rows of a page while it arrives; nil where it is to be read
// when it is whole.
func hashArriving(t *testing.T, reader *Reader, page []byte, known Known, health register.Health) *HashedRows {
	t.Helper()
	begin := savedOf(page).Page
	begin.Bytes = min(begin.Bytes, headSize) // as much as has arrived when a fetch tells of it
	hashed, err := reader.HashRows(t.Context(), begin, &inPieces{Reader: bytes.NewReader(page)}, health, known)
	if err != nil && !errors.Is(err, errUnfit) {
		t.Fatal(err)
	}
	return hashed
}

// inPieces is a body that arrives in pieces of a few bytes more than is waited for.
type inPieces struct {
	*bytes.Reader
	mu      sync.Mutex
	arrived int64
	told    bool
}

func (p *inPieces) Have(n int64) (int64, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n > p.arrived {
		p.told = p.arrived == p.Size() // its end is known some time after its last byte
		p.arrived = min(max(p.arrived, n)+n%7, p.Size())
		p.told = p.told || n > p.Size()
	}
	return p.arrived, p.told, nil
}

// readEach gives the identities of a page's entries.
func readEach(t *testing.T, reader *Reader, page []byte) map[register.Hash]bool {
	t.Helper()
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(page)), nil }
	entries := map[register.Hash]bool{}
	_, _, err := reader.Each(t.Context(), []register.Page{savedOf(page).Page}, open, register.Health{}, index.New(), func(e register.Entry) error {
		if entries[e.Identity()] {
			t.Errorf("%s comes twice", e.Key)
		}
		entries[e.Identity()] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// reading is what both ways of reading must agree on.
type reading struct {
	New    []register.Entry
	Gone   []string
	Len    int
	Digest register.Hash
	Filled map[string]int
	Counts register.ReadCounts
	Shape  register.Shape
	Stated int
}

func told(s register.Snapshot, before map[register.Hash]bool) reading {
	r := reading{Len: s.Len(), Digest: s.Digest(), Filled: s.Filled(), Counts: s.Counts, Shape: s.Shape, Stated: len(s.Delisted)}
	shown := map[register.Hash]bool{}
	for _, e := range s.Entries {
		shown[e.Identity()] = true
		if !before[e.Identity()] {
			r.New = append(r.New, e)
		}
	}
	for identity := range before {
		if !shown[identity] {
			r.Gone = append(r.Gone, identity.String())
		}
	}
	slices.SortFunc(r.Gone, strings.Compare)
	return r
}

func toldAgainst(s register.Snapshot, known *index.Index) reading {
	r := reading{New: s.Entries, Len: s.Len(), Digest: s.Digest(), Filled: s.Filled(), Counts: s.Counts, Shape: s.Shape, Stated: len(s.Delisted)}
	for _, identity := range known.Unseen() {
		r.Gone = append(r.Gone, identity.String())
	}
	slices.SortFunc(r.Gone, strings.Compare)
	return r
}
