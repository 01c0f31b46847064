package scraper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// Reader turns the archived pages of one register into a snapshot, and proves
// how whole they are. It is compiled once from a definition, is immutable, and
// may be used by several goroutines at once.
type Reader struct {
	def      register.Definition
	format   format.Reader
	values   []*fieldValue
	key      []int       // fields of the key
	compared []int       // fields of the content hash, in the order of their names
	listed   *vm.Program // nil: every row is listed
	large    int64       // bytes from which on a page's rows are told apart by theirs
	chunk    int         // bytes that are scanned for rows at once
	dropFrom int         // entries that keys do not tell apart from which on none is kept
}

// maxListedNodes bounds the expression of listed_while.
const maxListedNodes = 200

// NewReader compiles the part of a definition that says how its pages are read.
// It gives every error of that part at once, and a Reader only without any.
func NewReader(def register.Definition) (*Reader, []register.FieldError) {
	r := &Reader{def: def, large: fewestDiffering, chunk: scanChunk, dropFrom: dropFrom}
	var errs []register.FieldError
	r.format, errs = format.New(def)
	zone, err := time.LoadLocation(def.Schedule.Timezone)
	if err != nil {
		zone = time.UTC // the schedule's own check names this
	}
	for _, field := range def.Fields {
		value, wrong := newFieldValue(field, zone)
		r.values, errs = append(r.values, value), append(errs, wrong...)
	}
	for i, name := range def.Key {
		at := slices.IndexFunc(def.Fields, func(f register.Field) bool { return f.Name == name })
		if at < 0 {
			errs = append(errs, register.FieldError{Path: fmt.Sprintf("key[%d]", i), Message: fmt.Sprintf("there is no field %q", name)})
		}
		r.key = append(r.key, at)
	}
	for i, compared := range def.Compared() {
		if compared {
			r.compared = append(r.compared, i)
		}
	}
	slices.SortFunc(r.compared, func(a, b int) int { return strings.Compare(def.Fields[a].Name, def.Fields[b].Name) })
	listed, wrong := compileListed(def)
	r.listed = listed
	errs = append(errs, wrong...)
	if _, ok := lookupEncoding(def.Fetch.Encoding, ""); def.Fetch.Encoding != "" && !ok {
		errs = append(errs, register.FieldError{
			Path: "fetch.encoding", Message: fmt.Sprintf("unknown encoding %q", def.Fetch.Encoding), Hint: "a WHATWG label, such as windows-1250",
		})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	return r, nil
}

// ByRowsFrom gives a reader that knows the rows of pages by their bytes which have
// at least that size, in bytes; for tests.
func (r *Reader) ByRowsFrom(size int64) *Reader {
	other := *r
	other.large = size
	return &other
}

func compileListed(def register.Definition) (*vm.Program, []register.FieldError) {
	if def.ListedWhile == "" {
		return nil, nil
	}
	env := make(map[string]any, len(def.Fields))
	for _, field := range def.Fields {
		env[field.Name] = ""
	}
	program, err := expr.Compile(def.ListedWhile, expr.Env(env), expr.AsBool(), expr.MaxNodes(maxListedNodes))
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		return nil, []register.FieldError{{Path: "listed_while", Message: message, Hint: "an expression over the fields, all of them text, such as " + `delisted_on == ""`}}
	}
	return program, nil
}

// Open opens an archived body by its hash.
type Open = func(sha256 string) (io.ReadCloser, error)

// Read reads the pages of one fetch, in order, as one snapshot. Health is what
// is known of the last complete fetch; its zero value, that there was none.
//
// Whatever is wrong with the pages is in the proof, and then the snapshot of a
// proof that failed has no entries. The error is for our own trouble alone: a
// body that can not be opened or read, and the end of ctx.
func (r *Reader) Read(ctx context.Context, pages []register.Page, open Open, health register.Health) (register.Snapshot, register.Proof, error) {
	return r.readInto(ctx, pages, open, newSnapshotBuilder(r), health)
}

// ReadAgainst reads as Read does, and leaves out of the snapshot the entries that
// are known. Body is the only page's, if it can be read at any place: then rows
// that are known by their bytes are not read at all. A zero one is none. The hashes
// of its rows may have been made while it arrived, for the same known entries; nil:
// they were not.
func (r *Reader) ReadAgainst(ctx context.Context, pages []register.Page, open Open, body io.ReaderAt, health register.Health, known Known, hashed *HashedRows) (register.Snapshot, register.Proof, error) {
	known.Begin()
	if body != nil && len(pages) == 1 {
		snapshot, proof, err := r.readByRows(ctx, Saved{pages[0], body}, health, known, hashed)
		if !errors.Is(err, errUnfit) {
			return snapshot, proof, err
		}
		known.Begin()
	}
	b := newSnapshotBuilder(r)
	b.known, b.learner = known, known
	snapshot, proof, err := r.readInto(ctx, pages, open, b, health)
	if !b.dropped || err != nil || b.naming.nothing(b.snapshot.Again.Entries) {
		return snapshot, proof, err
	}
	known.Begin() // a page that begins with many entries of few keys: all of them are wanted after all
	b = newSnapshotBuilder(r)
	b.known, b.learner, b.keeps = known, known, true
	return r.readInto(ctx, pages, open, b, health)
}

// Each reads as ReadAgainst does, and hands each entry of the pages to yield, in page
// order; none twice. Known is asked, and learns. An error of yield ends it.
func (r *Reader) Each(ctx context.Context, pages []register.Page, open Open, health register.Health, known Known, yield func(register.Entry) error) (register.Snapshot, register.Proof, error) {
	known.Begin()
	b := newSnapshotBuilder(r)
	b.known, b.learner, b.each = known, known, yield
	snapshot, proof, err := r.readInto(ctx, pages, open, b, health)
	return snapshot, proof, cmp.Or(b.failed, err)
}

func (r *Reader) readInto(ctx context.Context, pages []register.Page, open Open, b *snapshotBuilder, health register.Health) (register.Snapshot, register.Proof, error) {
	e := evidence{def: r.def, health: health}
	for i, page := range pages {
		health.Encoding = cmp.Or(b.snapshot.Guessed, health.Encoding)
		reading, err := r.readPage(ctx, page, open, b, health, i == len(pages)-1)
		if err != nil {
			return register.Snapshot{}, nil, fmt.Errorf("read page %s: %w", page.URL, err)
		}
		e.pages = append(e.pages, reading)
		if reading.encoding.guessed {
			b.snapshot.Guessed = reading.encoding.name
		}
		if reading.instead != nil {
			break
		}
	}
	if len(pages) == 0 {
		return register.Snapshot{}, register.Proof{fail(register.CheckFraming, register.ClassEmpty, "there is no page")}, nil
	}
	e.snapshot, e.naming = b.finish(mergeShapes(r.def.Parse.Format, e.pages)), b.naming
	proof := e.proof()
	if proof.Failed() != nil {
		e.snapshot.Entries, e.snapshot.Delisted, e.snapshot.Again = nil, nil, register.Again{}
	}
	return e.snapshot, proof, nil
}

// look reads one page of a crawl: how many rows it holds, which, and what total
// it declares.
func (r *Reader) look(ctx context.Context, page register.Page, open Open) (pageReading, error) {
	reading, err := r.readPage(ctx, page, open, newSnapshotBuilder(r), register.Health{}, false)
	if err != nil {
		return reading, fmt.Errorf("look at %s: %w", page.URL, err)
	}
	return reading, nil
}

// pageReading is what reading one page showed.
type pageReading struct {
	register.Page
	encoding   encodingFound
	mislabeled bool // fetch.encoding is not what the bytes are
	head       string
	tail       string
	chars      int
	repaired   int
	newline    bool // it ends with one
	rows       int
	filled     int          // of them with something in a declared field
	contents   xxh3.Uint128 // names the rows, whatever their order, and whatever else the page shows
	cut        int          // rows left out because the page ended in them
	unmatched  int          // lines that `parse.rows` does not match
	cutLine    int
	format.Reading
	instead *register.Failure // it is not the thing that it should be
	broken  *register.Failure // it can not be read
}

func (r *Reader) readPage(ctx context.Context, page register.Page, open Open, b *snapshotBuilder, health register.Health, last bool) (pageReading, error) {
	p := pageReading{Page: page}
	body, err := open(page.SHA256)
	if err != nil {
		return p, err
	}
	defer body.Close()
	text, err := openText(body, r.def, page.ResponseHeader.Get("Content-Type"), health.Encoding)
	if err != nil {
		return p, err
	}
	if b.learner != nil && page.Bytes >= r.large {
		closeRaw, err := r.watchRows(b, text, open, page)
		if err != nil {
			return p, err
		}
		defer closeRaw()
	}
	return r.readText(ctx, p, text, b, health, last)
}

// leastRow is how long the rows of a page are at least, in bytes, for which room is
// made at once.
const leastRow = 64

// watchRows has the rows of a page hashed beside their reading, where that can be
// done.
func (r *Reader) watchRows(b *snapshotBuilder, text *textStream, open Open, page register.Page) (end func(), err error) {
	rows, err := r.rowsOf(text.head, text.found)
	if err != nil || len(r.values) > maxFacts {
		return func() {}, nil //nolint:nilerr // it can not be done here
	}
	s := sideRows{Saved: Saved{Page: page}, head: text.head, rows: rows}
	b.learner.Expect(min(s.estimate()+s.estimate()/32, int(page.Bytes/leastRow)))
	body, err := open(page.SHA256)
	if err != nil {
		return nil, err
	}
	seed, _ := b.learner.Rows()
	b.raw = newRawRows(body, rows, rowKey(seed, text.found.name, rows.Header))
	return func() {
		b.raw = nil
		body.Close()
	}, nil
}

// readText reads the text of one page.
func (r *Reader) readText(ctx context.Context, p pageReading, text *textStream, b *snapshotBuilder, health register.Health, last bool) (pageReading, error) {
	p.encoding, p.head = text.found, decodeHead(text)
	if p.instead = notTheThing(r.def.Parse.Format, p.Page, text.head, p.head); p.instead != nil {
		return p, nil //nolint:nilerr // it is in the reading
	}
	var err error
	p.Reading, err = r.format.Read(ctx, text, func(row format.Row) error {
		if row.Cut {
			p.cut, p.cutLine = p.cut+1, row.Line
			return nil
		}
		if row.Unmatched {
			p.unmatched++
			return nil
		}
		p.rows++
		if b.row(row) {
			p.filled++
		}
		return nil
	})
	p.mislabeled = p.encoding.source == "fetch.encoding" && text.isUTF8()
	p.chars, p.repaired = text.repair.chars, text.repair.repaired
	p.tail, p.newline = string(text.tail.tail), text.tail.endsWithNewline() || p.EndsWithNewline
	if failure, ok := errors.AsType[*register.Failure](err); ok {
		p.broken, err = failure, nil
	}
	if err != nil {
		return p, err
	}
	if last := b.endPage(p.cut == 0 && lastRowDoubtful(r.def, p, health, last)); last > 0 {
		p.cut, p.cutLine = p.cut+1, last
		p.rows, p.filled = p.rows-1, p.filled-1
	}
	p.contents = b.takeContents()
	p.Shape.Language = languageOf(r.def.Parse.Format, p.Page, p.head)
	b.counts(p)
	return p, nil
}

// mergeShapes makes one shape of those of all pages. A header must be whole on
// each page; what only rows can show may stand on one of them.
func mergeShapes(formatName string, pages []pageReading) register.Shape {
	var merged register.Shape
	first := true
	for _, p := range pages {
		merged.Language = orDefault(merged.Language, p.Shape.Language)
		for _, column := range p.Shape.Columns {
			if !slices.Contains(merged.Columns, column) {
				merged.Columns = append(merged.Columns, column)
			}
		}
		for _, column := range p.Shape.Unread {
			if !slices.Contains(merged.Unread, column) {
				merged.Unread = append(merged.Unread, column)
			}
		}
		switch {
		case formatName == register.FormatCSV:
			for _, field := range p.Shape.Missing {
				if !slices.Contains(merged.Missing, field) {
					merged.Missing = append(merged.Missing, field)
				}
			}
		case p.rows == 0:
		case first:
			merged.Missing, first = slices.Clone(p.Shape.Missing), false
		default:
			merged.Missing = slices.DeleteFunc(merged.Missing, func(field string) bool { return !slices.Contains(p.Shape.Missing, field) })
		}
	}
	return merged
}
