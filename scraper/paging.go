package scraper

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// follow goes from page to page by their next link. It ends by rule at the page
// without one; anything else that ends it is noted.
func (f *fetching) follow(ctx context.Context, address string, limit int) error {
	seen := map[string]bool{}
	bodies := map[string]bool{}
	for number := 1; ; number++ {
		seen[withoutFragment(address)] = true
		page, err := f.visit(ctx, address)
		if err != nil {
			return err
		}
		if page.FinalURL != "" {
			seen[withoutFragment(page.FinalURL)] = true
		}
		switch next := withoutFragment(f.next); {
		case bodies[page.SHA256]:
			f.end("page %d has the same bytes as an earlier one: %s", number, address)
		case !f.nextFound && page.Framing == register.FramedCut:
			f.end("page %d was cut before its next link: %s", number, address)
		case !f.nextFound:
		case f.next == "" || !strings.HasPrefix(f.next, "http"):
			f.end("the next link of page %d can not be followed: %.80q", number, f.nextHref)
		case seen[next]:
			f.end("page %d leads back to %s", number, next)
		case len(f.pages) >= limit:
			f.end("stopped after %d pages (fetch.pages.max); the next would be %s", limit, next)
		default:
			bodies[page.SHA256] = true
			address = next
			continue
		}
		return nil
	}
}

// count asks for numbered pages. It ends by rule at the first page, after the
// first one, that has no rows, repeats the page before, or is not there; that
// page is not kept.
func (f *fetching) count(ctx context.Context, address string, paging register.Paging) error {
	value := paging.From
	previous := ""
	for number := 1; ; number++ {
		if len(f.pages) >= paging.Limit() {
			f.end("stopped after %d pages (fetch.pages.max) with rows on the last", paging.Limit())
			return nil
		}
		page, err := f.visit(ctx, withParam(address, paging.Param, strconv.Itoa(value)))
		if number > 1 && isAbsent(page, err) {
			f.dropLast()
			return nil
		}
		if err != nil {
			return err
		}
		if page.SHA256 == previous {
			f.dropLast()
			return nil
		}
		rows, err := f.reader.CountRows(ctx, *page, f.scraper.archive.Open)
		if err != nil {
			return countFailure(ctx, page.URL, err)
		}
		if rows == 0 {
			switch {
			case page.Framing == register.FramedCut:
				f.end("page %d was cut before its first row: %s", number, page.URL)
			case number > 1:
				f.dropLast()
			}
			return nil
		}
		previous = page.SHA256
		value += max(1, paging.Step)
	}
}

// end notes on the last page why paging ended early.
func (f *fetching) end(format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	f.pages[len(f.pages)-1].PagingEnded = reason
	f.ended = orDefault(f.ended, reason)
}

func (f *fetching) dropLast() { f.pages = slices.Delete(f.pages, len(f.pages)-1, len(f.pages)) }

// countFailure says that a page's rows could not be counted: its own fault, the
// caller's end, or trouble of ours.
func countFailure(ctx context.Context, where string, err error) error {
	if _, ok := errors.AsType[*register.Failure](err); ok || ctx.Err() != nil {
		return failureOf(ctx, where, err)
	}
	return &register.Failure{Class: register.ClassInternal, Where: where, Err: err}
}

// withParam sets a query parameter and leaves the rest of the query as written.
func withParam(address, name, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address // was checked
	}
	parts := slices.DeleteFunc(strings.Split(u.RawQuery, "&"), func(part string) bool {
		key, _, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		return part == "" || err == nil && key == name
	})
	u.RawQuery = strings.Join(append(parts, url.QueryEscape(name)+"="+url.QueryEscape(value)), "&")
	return u.String()
}

func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}
