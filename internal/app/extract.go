package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// Extract reads saved pages as one fetch and touches no store. A page that is
// not whole is no error: the proof says so.
func Extract(ctx context.Context, def register.Definition, files []string) (register.Snapshot, register.Proof, error) {
	reader, wrong := scraper.NewReader(def)
	if len(wrong) > 0 {
		return register.Snapshot{}, nil, wrong[0]
	}
	pages := make([]register.Page, 0, len(files))
	paths := map[string]string{}
	for _, path := range files {
		page, err := savedPage(path)
		if err != nil {
			return register.Snapshot{}, nil, err
		}
		pages = append(pages, page)
		paths[page.SHA256] = path
	}
	open := func(sha256 string) (io.ReadCloser, error) { return os.Open(paths[sha256]) }
	return reader.Read(ctx, pages, open, register.Health{})
}

// savedPage describes a file as a page that is framed by its own length.
func savedPage(path string) (register.Page, error) {
	file, err := os.Open(path)
	if err != nil {
		return register.Page{}, fmt.Errorf("open saved page: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return register.Page{}, fmt.Errorf("open saved page: %w", err)
	}
	hash := sha256.New()
	n, err := io.Copy(hash, bufio.NewReader(file))
	if err != nil {
		return register.Page{}, fmt.Errorf("read saved page: %w", err)
	}
	ends, err := endsLine(file, n)
	if err != nil {
		return register.Page{}, err
	}
	return register.Page{
		URL: path, FetchedAt: info.ModTime().UTC(), SHA256: hex.EncodeToString(hash.Sum(nil)), Bytes: n,
		Framing: register.FramedFile, EndsWithNewline: ends,
	}, nil
}

// endsLine reports whether a file of that many bytes ends its last line.
func endsLine(file io.ReaderAt, size int64) (bool, error) {
	var tail [2]byte
	n := min(size, int64(len(tail)))
	if _, err := file.ReadAt(tail[int64(len(tail))-n:], size-n); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read saved page: %w", err)
	}
	return register.EndsLine(tail), nil
}

// Compared is the difference between two saved versions.
type Compared struct {
	Counts register.Counts
	Doubts []string // of each version that may be a part: why; what it lacks may be there

	def      register.Definition
	accepted []register.Accepted
}

// Changes yields what differs, one by one.
func (c Compared) Changes(yield func(register.Change) bool) {
	for _, a := range c.accepted {
		if !yield(comparison(c.def, a)) {
			return
		}
	}
}

// Compare finds what differs between two saved versions of a register: all that
// differs, whether or not gate 2 would believe it. It fails when either can
// not be the register; one that ends inside a row is compared, and doubted.
//
// Where the rows of both can be told apart by their bytes, only those that are
// not in both are read; else both files are.
func Compare(ctx context.Context, def register.Definition, older, newer string) (Compared, error) {
	reader, wrong := scraper.NewReader(def)
	if len(wrong) > 0 {
		return Compared{}, wrong[0]
	}
	differences, doubts, err := compare(ctx, def, reader, older, newer)
	if err != nil {
		return Compared{}, err
	}
	accepted := asAccepted(differences)
	return Compared{register.CountOf(accepted), doubts, def, accepted}, nil
}

func compare(ctx context.Context, def register.Definition, reader *scraper.Reader, older, newer string) (d differ.Differences, doubts []string, err error) {
	old, closeOld, err := savedFile(older)
	if err != nil {
		return d, nil, err
	}
	defer closeOld()
	now, closeNew, err := savedFile(newer)
	if err != nil {
		return d, nil, err
	}
	defer closeNew()
	prev, next, ok, err := reader.Differing(ctx, old, now)
	if err != nil || ok {
		return differ.Relate(differ.Diff(prev, next), def), lastRowsDoubtful(def, old.Page, now.Page), err
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(path) }
	old.Page.SHA256, now.Page.SHA256 = older, newer // by which open finds them
	d, doubts, err = pipeline.Between(ctx, def, open, []register.Page{old.Page}, []register.Page{now.Page}, register.Health{})
	if len(doubts) == 0 {
		doubts = lastRowsDoubtful(def, old.Page, now.Page)
	}
	return d, doubts, err
}

// lastRowsDoubtful says of two versions of lines, one of which ends its last line, that
// the other may be cut in it.
func lastRowsDoubtful(def register.Definition, older, newer register.Page) []string {
	if !register.OfLines(def.Parse.Format) || older.EndsWithNewline == newer.EndsWithNewline {
		return nil
	}
	whole, cut := older, newer
	if newer.EndsWithNewline {
		whole, cut = newer, older
	}
	return []string{fmt.Sprintf("%s: its last line does not end, as that of %s does: the last row may be cut", cut.URL, whole.URL)}
}

// savedFile opens a file as a page that can be read at any place.
func savedFile(path string) (scraper.Saved, func(), error) {
	file, err := os.Open(path)
	if err != nil {
		return scraper.Saved{}, nil, fmt.Errorf("open saved page: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return scraper.Saved{}, nil, fmt.Errorf("open saved page: %w", err)
	}
	ends, err := endsLine(file, info.Size())
	if err != nil {
		file.Close()
		return scraper.Saved{}, nil, err
	}
	page := register.Page{
		URL: path, FetchedAt: info.ModTime().UTC(), Bytes: info.Size(),
		Framing: register.FramedFile, EndsWithNewline: ends,
	}
	return scraper.Saved{Page: page, Body: file}, func() { file.Close() }, nil
}

func asAccepted(d differ.Differences) []register.Accepted {
	v := differ.Judge(d, nil, differ.Seen{Complete: true, Approved: true}, register.Expect{}, register.Memory{})
	return v.Accepted
}

// comparison is a change that was never committed: it has no id, run or times.
func comparison(def register.Definition, a register.Accepted) register.Change {
	c := register.Change{
		Register: def.ID, Title: def.Title, Authority: def.Authority.Name, Country: def.Authority.Country,
		Attribution: def.Attribution, Kind: a.Kind, Key: a.Key(), EntryID: a.Key().ID(def.ID),
		EarlierPeriods: []register.Period{}, Evidence: register.Evidence{Pages: []register.EvidencePage{}},
	}
	if a.Before != nil {
		c.Before = a.Before.Fields
	}
	if a.After != nil && a.Kind != register.Removed {
		c.After = a.After.Fields
	}
	if a.Before != nil && c.After != nil {
		c.Differences = register.Differences(c.Before, c.After)
	}
	if a.Kind == register.Rekeyed {
		c.PreviousKey = &a.Before.Key
	}
	return c
}

// Fetch makes one run of a register now, by hand.
func (a *App) Fetch(ctx context.Context, def register.Definition) (register.Run, []register.Change, error) {
	now := time.Now().UTC()
	due := register.Due{Register: def.ID, Tick: now, Trigger: register.TriggerManual, Interval: interval(def, now)}
	return a.pipeline(a.scraper).Run(ctx, def, due)
}
