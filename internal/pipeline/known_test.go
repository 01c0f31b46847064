package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// newIndexBench is a bench that keeps an index of its small head, and reads its
// small page by its rows.
func newIndexBench(t *testing.T) *bench {
	b := newBench(t)
	b.Indexes, b.SmallIndexes = index.Files{Dir: filepath.Join(t.TempDir(), "index")}, true
	b.Source = bodySource{b.Source, b.archive, new(atomic.Int64)}
	return b
}

// bodySource gives the body of a small page too, as the scraper does of a large one,
// and tells of every other one while it arrives.
type bodySource struct {
	pipeline.Source
	archive scraper.Archive
	fetches *atomic.Int64
}

func (s bodySource) Fetch(ctx context.Context, def register.Definition, v register.Validators, watch scraper.Watch) (scraper.Fetched, error) {
	fetched, err := s.Source.Fetch(ctx, def, v, watch)
	if err != nil || len(fetched.Pages) != 1 {
		return fetched, err
	}
	body, err := s.archive.Open(fetched.Pages[0].SHA256)
	if err != nil {
		return fetched, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	arrived := &arrivedBody{bytes.NewReader(text), nil}
	if s.fetches.Add(1)%2 == 0 && watch != nil {
		watch(fetched.Pages[0], arrived)
	}
	fetched.Body = arrived
	return fetched, err
}

// arrivedBody is a body that has come to its end, or was broken there.
type arrivedBody struct {
	*bytes.Reader
	broken error
}

func (a *arrivedBody) Have(int64) (int64, bool, error) { return a.Size(), true, a.broken }

func (b *bench) indexFile() string { return filepath.Join(b.Indexes.Dir, b.def.ID+".index") }

func (b *bench) readIndex() []byte {
	b.Helper()
	file, err := os.ReadFile(b.indexFile())
	if err != nil {
		b.Fatal(err)
	}
	return file
}

func (b *bench) writeIndex(file []byte) {
	b.Helper()
	if err := os.WriteFile(b.indexFile(), file, 0o600); err != nil {
		b.Fatal(err)
	}
}

// countedStore counts what is asked of the store.
type countedStore struct {
	*memoryOf
	pipeline.Heads
	pipeline.Commits
}

// memoryOf is what a countedStore has counted, and what it says of the head.
type memoryOf struct {
	whole   int // readings of the whole head
	commits int
	name    func(register.Head) register.Hash // of the index, in place of what is kept; may be nil
}

func (s countedStore) Head(ctx context.Context, id string) (register.Head, error) {
	head, err := s.Heads.Head(ctx, id)
	if s.name != nil {
		head.Memory.Index = s.name(head)
	}
	return head, err
}

func (s countedStore) HeadEntries(ctx context.Context, id string) ([]register.Entry, error) {
	s.whole++
	return s.Heads.HeadEntries(ctx, id)
}

func (s countedStore) EachHeadEntry(ctx context.Context, id string, yield func(register.Entry) error) error {
	s.whole++
	return s.Heads.EachHeadEntry(ctx, id, yield)
}

func (s countedStore) Commit(ctx context.Context, c register.Commit) (register.Run, []register.Change, error) {
	s.commits++
	return s.Commits.Commit(ctx, c)
}

// count has the bench's store counted.
func (b *bench) count() *memoryOf {
	counted := &memoryOf{}
	store := countedStore{counted, b.Heads, b.Commits}
	b.Heads, b.Commits = store, store
	return counted
}

var (
	manyRows  = rowsTo(200)
	laterRows = slices.Concat([]string{"1,Renamed", "200,Name 200"}, manyRows[2:]) // without number 0
	laterHas  = register.Counts{Added: 1, Changed: 1}
)

func with(rows []string, at int, row string) []string {
	rows = slices.Clone(rows)
	rows[at] = row
	return rows
}

func rowsTo(n int) []string {
	var rows []string
	for i := range n {
		rows = append(rows, fmt.Sprintf("%d,Name %d", i, i))
	}
	return rows
}

// forgery is an index that is whole, and under the name of the head, but not of it.
type forgery struct {
	rows    []string  // that it knows
	entries []string  // that it knows besides, as rows
	learnt  [2]string // the row of the second is that of the first
}

func (b *bench) forge(f forgery) (name register.Hash) {
	b.Helper()
	head, err := b.store.Head(b.Context(), b.def.ID)
	if err != nil {
		b.Fatal(err)
	}
	x := index.New()
	reader, wrong := scraper.NewReader(b.def)
	if len(wrong) > 0 {
		b.Fatal(wrong)
	}
	page := []byte("id,name\n")
	for _, row := range f.rows {
		page = append(page, row+"\n"...)
	}
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(page)), nil }
	_, proof, err := reader.ByRowsFrom(0).ReadAgainst(b.Context(), []register.Page{{Bytes: int64(len(page)), Framing: register.FramedLength}}, open, nil, register.Health{}, swapped{x, f.learnt}, nil)
	if err != nil || proof.Failed() != nil {
		b.Fatal(proof, err)
	}
	for _, row := range f.entries {
		x.Add(identityOf(row))
	}
	of := index.HeadOf(head)
	of.Sum = x.Sum()
	if x.Len() != of.Entries {
		b.Fatalf("the forged index has %d entries, want %d", x.Len(), of.Entries)
	}
	if err := b.Indexes.Save(x, of); err != nil {
		b.Fatal(err)
	}
	return of.Sum
}

// swapped learns the row of one entry as that of another.
type swapped struct {
	*index.Index
	rows [2]string // that of the second is learned as that of the first
}

// SeeEntry takes what is not in the head for the other.
func (s swapped) SeeEntry(identity register.Hash) (known, again bool) {
	if identity == identityOf(s.rows[1]) && !slices.Contains(manyRows, s.rows[1]) {
		identity = identityOf(s.rows[0])
	}
	return s.Index.SeeEntry(identity)
}

func (s swapped) Learn(identity register.Hash, row register.RowHash, facts register.RowFacts) {
	switch identity {
	case identityOf(s.rows[0]):
	case identityOf(s.rows[1]):
		s.Index.Learn(identityOf(s.rows[0]), row, facts)
	default:
		s.Index.Learn(identity, row, facts)
	}
}

// identityOf gives that of a row of the bench's register.
func identityOf(row string) register.Hash { return entryOf(row).Identity() }

func entryOf(row string) register.Entry {
	number, name, _ := bytes.Cut([]byte(row), []byte(","))
	fields := register.Values{{Name: "number", Text: string(number)}, {Name: "name", Text: string(name)}}
	return register.Entry{Key: register.NewKey(string(number)), Fields: fields, Content: register.ContentHash(register.Values{fields[1], fields[0]})}
}

// TestIndexIsNeverTrustedOverTheStore puts another file in the place of the index,
// in every way that a crash, a disk, a backup or a hand may leave one: what is
// announced then is what is so.
func TestIndexIsNeverTrustedOverTheStore(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(b *bench)
		whole  int // readings of the head from the store
	}{
		"as it was": {func(*bench) {}, 0},
		"deleted": {func(b *bench) {
			if err := os.Remove(b.indexFile()); err != nil {
				b.Fatal(err)
			}
		}, 1},
		"cut":   {func(b *bench) { file := b.readIndex(); b.writeIndex(file[:len(file)-40]) }, 1},
		"empty": {func(b *bench) { b.writeIndex(nil) }, 1},
		"a bit of an entry": {func(b *bench) {
			file := b.readIndex()
			file[4<<10+7] ^= 1
			b.writeIndex(file)
		}, 1},
		"a bit of its end": {func(b *bench) {
			file := b.readIndex()
			file[len(file)-1] ^= 1
			b.writeIndex(file)
		}, 1},
		"of an older head": {func(b *bench) {
			older := b.readIndex()
			b.publish(slices.Concat(manyRows[:199], []string{"199,Another name"})...)
			b.expect(register.OutcomeChanged, register.Counts{Changed: 1})
			b.publish(manyRows...)
			b.expect(register.OutcomeChanged, register.Counts{Changed: 1})
			b.writeIndex(older)
		}, 1},
		"of another register": {func(b *bench) {
			first := b.def
			b.def.ID = "xx-other"
			b.expect(register.OutcomeBaseline, register.Counts{})
			other := b.readIndex()
			b.def = first
			b.writeIndex(other)
		}, 1},
		"an entry too few, one too many": {func(b *bench) {
			b.forge(forgery{rows: with(manyRows, 50, "999,Nobody")})
		}, 1},
		"the row of what is new known": {func(b *bench) {
			b.forge(forgery{rows: with(manyRows, 50, "200,Name 200")})
		}, 1},
		"the row of what is new known as another's": {func(b *bench) { // it would never be announced
			b.forge(forgery{rows: append(manyRows[:200:200], "200,Name 200"), learnt: [2]string{"50,Name 50", "200,Name 200"}})
		}, 1},
		"the row of one entry known as another's": {func(b *bench) {
			b.forge(forgery{rows: manyRows, learnt: [2]string{"0,Name 0", "77,Name 77"}})
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newIndexBench(t)
			b.publish(manyRows...)
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.expect(register.OutcomeUnchanged, register.Counts{})
			test.damage(b)
			counted := b.count()
			b.publish(laterRows...)
			if run := b.expect(register.OutcomeChanged, laterHas); run.Waiting != 1 {
				t.Errorf("%d wait, want 1", run.Waiting)
			}
			if counted.whole != test.whole {
				t.Errorf("the head was read %d times, want %d", counted.whole, test.whole)
			}
			b.publish(append(laterRows[:len(laterRows):len(laterRows)], "")...) // other bytes
			b.expect(register.OutcomeChanged, register.Counts{Removed: 1})
			if counted.whole != test.whole {
				t.Error("no index was left for the next run")
			}
			want := []string{"200 Name 200", "1 Renamed"}
			for i := 2; i < 200; i++ {
				want = append(want, fmt.Sprintf("%d Name %d", i, i))
			}
			if diff := cmp.Diff(want, b.head(), sorted()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStoreContradictsAnIndex has the head name a wrong index, as a defect of ours
// would: where the store's answer or its refusal tells, the index goes, and the run
// is made once more, from the store.
func TestStoreContradictsAnIndex(t *testing.T) {
	for name, test := range map[string]struct {
		forge   func(b *bench) register.Hash
		commits int
	}{
		"it knows what is not in the head": {func(b *bench) register.Hash {
			return b.forge(forgery{rows: with(manyRows, 50, "999,Nobody")})
		}, 1},
		"it does not know what is": {func(b *bench) register.Hash {
			return b.forge(forgery{rows: slices.Delete(slices.Clone(manyRows), 50, 51), entries: []string{"0,Name 0"}}) // twice, and in the head
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newIndexBench(t)
			b.publish(manyRows...)
			b.expect(register.OutcomeBaseline, register.Counts{})
			forged := test.forge(b)
			counted := b.count()
			at := int64(-1)
			counted.name = func(head register.Head) register.Hash {
				if at < 0 {
					at = head.Version
				}
				if head.Version == at {
					return forged
				}
				return head.Memory.Index
			}
			b.publish(laterRows...)
			if run := b.expect(register.OutcomeChanged, laterHas); run.Waiting != 1 {
				t.Errorf("%d wait, want 1", run.Waiting)
			}
			if counted.commits != test.commits || counted.whole != 1 {
				t.Errorf("%d commits and %d readings of the head, want %d and 1", counted.commits, counted.whole, test.commits)
			}
		})
	}
}

// TestContradictionWithoutAnIndexIsAnError: a store that refuses what its own head
// says is no reason to begin anew for ever.
func TestContradictionWithoutAnIndexIsAnError(t *testing.T) {
	b := newIndexBench(t)
	b.publish(manyRows...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	counted := &memoryOf{}
	store := countedStore{counted, b.Heads, refusing{b.Commits}}
	b.Heads, b.Commits = store, store
	b.publish(laterRows...)
	if _, _, err := b.Run(t.Context(), b.def, b.due()); !errors.Is(err, register.ErrListed) {
		t.Errorf("run: %v", err)
	}
	if counted.commits != 2 {
		t.Errorf("%d commits, want one by the index and one by the store", counted.commits)
	}
	if _, err := os.Stat(b.indexFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the index is there: %v", err)
	}
}

type refusing struct{ pipeline.Commits }

func (refusing) Commit(context.Context, register.Commit) (register.Run, []register.Change, error) {
	return register.Run{}, nil, register.ErrListed
}

// TestUnchangedCostsNothing: neither 304 nor the same bytes have anything opened,
// read or loaded; each is one commit.
func TestUnchangedCostsNothing(t *testing.T) {
	page := []byte("id,name\n")
	for _, row := range manyRows {
		page = append(page, row+"\n"...)
	}
	for name, file := range unchangedPages(page) {
		t.Run(name, func(t *testing.T) {
			b := newIndexBench(t)
			b.Source = b.Source.(bodySource).Source
			b.site.Publish("/list.csv", file)
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.writeIndex(nil) // whoever loads it goes to the store
			counted := b.count()
			open, opened := b.Open, 0
			b.Open = func(sum string) (io.ReadCloser, error) { opened++; return open(sum) }
			if run := b.expect(register.OutcomeUnchanged, register.Counts{}); !run.NotModified || run.Entries != 200 {
				t.Errorf("run: %+v", run)
			}
			if opened != 0 || counted.whole != 0 || counted.commits != 1 {
				t.Errorf("%d bodies opened, the head read %d times, %d commits; want 0, 0 and 1", opened, counted.whole, counted.commits)
			}
			if file := b.readIndex(); len(file) != 0 {
				t.Errorf("an index of %d bytes was written", len(file))
			}
		})
	}
}

// unchangedPages are a page that answers conditional requests, and one that does
// not.
func unchangedPages(page []byte) map[string]http.Handler {
	return map[string]http.Handler{
		"not modified": testsite.File("text/csv", page, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		"equal bytes":  testsite.Plain("text/csv", page),
	}
}

// TestBadPagesAgainstAnIndex: what is cut, of one key or without an end announces
// nothing of a head that is known by an index, and the next page is read as ever.
func TestBadPagesAgainstAnIndex(t *testing.T) {
	page := csvOfRows(manyRows)
	oneKey := []string{"0,Name 0"}
	for i := range 3000 {
		oneKey = append(oneKey, fmt.Sprintf("0,Another %d", i))
	}
	for name, test := range map[string]struct {
		page    string
		outcome register.Outcome
		says    string
	}{
		"cut in a row":         {page[:len(page)/2+3], register.OutcomeUnchanged, ""},
		"rows of one key":      {csvOfRows(oneKey), register.OutcomeHeld, "flood of removals"},
		"one row, repeated":    {csvOfRows(slices.Repeat(manyRows[:1], 3000)), register.OutcomeHeld, "flood of removals"},
		"a row without end":    {page + strings.Repeat("x", 17<<20), register.OutcomeFailed, "line 202: not CSV: a row is longer than 16 MB"},
		"a header without end": {strings.Repeat("x", 17<<20), register.OutcomeFailed, "line 1: not CSV: a row is longer than 16 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newIndexBench(t)
			b.publish(manyRows...)
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.site.Publish("/list.csv", csvPage(test.page))
			if run := b.expect(test.outcome, register.Counts{}); !strings.Contains(run.Reason, test.says) || run.Entries != 200 || len(run.Reason) > 1000 {
				t.Errorf("%d entries, reason %.1000s", run.Entries, run.Reason)
			}
			b.publish(laterRows...)
			if run := b.expect(register.OutcomeChanged, laterHas); run.Waiting != 1 {
				t.Errorf("%d wait, want 1", run.Waiting)
			}
		})
	}
}

func csvOfRows(rows []string) string { return "id,name\n" + strings.Join(rows, "\n") + "\n" }
