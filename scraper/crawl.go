package scraper

import (
	"context"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
)

// crawl goes through the pages of one address. Where what it met shows that it
// can not have seen all pages of one moment, it goes through them once more; what
// shows it the second time too is noted on the last page, for gate 1.
func (f *fetching) crawl(ctx context.Context, address string) error {
	start, ended := len(f.pages), f.ended
	doubt, err := f.walk(ctx, address)
	if err != nil || doubt == "" {
		return err
	}
	first, firstEnded := slices.Clone(f.pages[start:]), f.ended
	f.pages, f.ended = f.pages[:start], ended
	lasting, err := f.walk(ctx, address)
	switch {
	case err != nil && context.Cause(ctx) != nil && !isTimeLimit(ctx):
		return err
	case err != nil: // what came the first time shows more than nothing
		f.pages, f.ended = append(f.pages[:start], first...), firstEnded
		lasting = doubt + "; asked for once more, the pages did not all come: " + err.Error()
	case lasting != "":
		lasting += " (the second time too)"
	}
	f.pages[start].CrawledAgain = doubt
	if lasting != "" {
		f.pages[len(f.pages)-1].Drift = lasting
		f.ended = orDefault(f.ended, lasting)
	}
	return nil
}

// walk goes from page to page once. doubt says what shows that the pages are not
// all of them, or not of one moment, where another walk may do better.
func (f *fetching) walk(ctx context.Context, address string) (doubt string, err error) {
	start, ended := len(f.pages), f.ended
	f.seen, f.doubt = nil, ""
	if paging := f.def.Fetch.Pages; paging.Next != "" {
		err = f.follow(ctx, address, paging.Limit())
	} else {
		err = f.count(ctx, address, *paging)
	}
	if err != nil || f.doubt != "" {
		return f.doubt, err
	}
	if len(f.pages)-start < 2 || f.ended != ended {
		return "", nil
	}
	if moved := f.totalsMoved(); moved != "" {
		return moved, nil
	}
	return f.firstPageMoved(ctx, f.pages[start].URL), nil
}

// glance is what is remembered of a page while its crawl goes on.
type glance struct {
	rows     int          // that hold anything
	contents xxh3.Uint128 // of them
	total    string       // declared, as published
	sha256   string
}

// glanceAt reads the page that was visited last.
func (f *fetching) glanceAt(ctx context.Context, page register.Page) (glance, error) {
	reading, err := f.reader.look(ctx, page, f.scraper.archive.Open)
	switch {
	case err != nil:
	case reading.instead != nil:
		err = reading.instead
	case reading.broken != nil:
		err = reading.broken
	}
	return glance{rows: reading.filled, contents: reading.contents, total: reading.Total, sha256: page.SHA256}, err
}

// repeats finds an earlier page of the walk with the same rows, whatever else
// stands on the two: pages carry clocks and tokens.
func (f *fetching) repeats(now glance) (number int, ok bool) {
	at := slices.IndexFunc(f.seen, func(g glance) bool {
		return g.sha256 == now.sha256 || now.rows > 0 && g.rows == now.rows && g.contents == now.contents
	})
	return at + 1, at >= 0
}

// totalsMoved compares the totals that the pages of a walk declare.
func (f *fetching) totalsMoved() string {
	first, ok := declaredTotal(f.seen[0].total)
	if f.def.Expect.Total == "" || !ok {
		return "" // gate 1 says so
	}
	for i, g := range f.seen[1:] {
		if total, ok := declaredTotal(g.total); ok && total != first {
			return fmt.Sprintf("the declared total went from %d to %d by page %d", first, total, i+2)
		}
	}
	return ""
}

// firstPageMoved asks for the first page again, after the last one: rows that
// moved from page to page in the meantime were seen twice or not at all.
func (f *fetching) firstPageMoved(ctx context.Context, address string) string {
	page, err := f.visit(ctx, address)
	if page != nil {
		f.dropLast()
	}
	if err != nil {
		return "the first page did not come again after the last one: " + err.Error()
	}
	before := f.seen[0]
	if page.SHA256 == before.sha256 {
		return ""
	}
	now, err := f.glanceAt(ctx, *page)
	switch {
	case err != nil:
		return "the first page could not be read again after the last one: " + err.Error()
	case now.rows != before.rows || now.contents != before.contents:
		return "the first page held other rows after the last one was read"
	case f.def.Expect.Total != "" && now.total != before.total:
		return fmt.Sprintf("the declared total was %q at the start and %q at the end", before.total, now.total)
	}
	return ""
}

func (f *fetching) dropLast() { f.pages = slices.Delete(f.pages, len(f.pages)-1, len(f.pages)) }
