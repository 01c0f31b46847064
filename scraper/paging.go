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
	links := map[string]bool{}
	for number := 1; ; number++ {
		links[withoutFragment(address)] = true
		page, err := f.visit(ctx, address)
		if err != nil {
			return err
		}
		if page.FinalURL != "" {
			links[withoutFragment(page.FinalURL)] = true
		}
		// A page that can not be read is gate 1's to name; here only links count.
		now, unread := f.glanceAt(ctx, *page)
		if unread != nil && ctx.Err() != nil {
			return failureOf(ctx, address, unread)
		}
		earlier, repeated := f.repeats(now)
		f.seen = append(f.seen, now)
		switch next := withoutFragment(f.next); {
		case repeated:
			f.endInDoubt("page %d shows the rows of page %d once more: %s", number, earlier, address)
		case !f.nextFound && page.Framing == register.FramedCut:
			f.end("page %d was cut before its next link: %s", number, address)
		case !f.nextFound:
			if number > 1 && unread == nil && now.rows == 0 {
				f.doubt = fmt.Sprintf("page %d holds no rows: %s", number, address)
			}
		case f.next == "" || !strings.HasPrefix(f.next, "http"):
			f.end("the next link of page %d can not be followed: %.80q", number, f.nextHref)
		case links[next]:
			f.endInDoubt("page %d leads back to %s", number, next)
		case len(f.pages) >= limit:
			f.end("stopped after %d pages (fetch.pages.max); the next would be %s", limit, next)
		default:
			if unread == nil && now.rows == 0 {
				f.doubt = fmt.Sprintf("page %d holds no rows, and others follow: %s", number, address)
			}
			address = next
			continue
		}
		return nil
	}
}

// count asks for numbered pages. It ends by rule at the first page, after the
// first one, that has no rows, repeats an earlier one, or is not there; that page
// is not kept. Servers answer so by accident too, so that the end is believed
// only when that page says so twice, and the one behind it as well.
func (f *fetching) count(ctx context.Context, address string, paging register.Paging) error {
	for number := 1; ; number++ {
		if len(f.pages) >= paging.Limit() {
			f.end("stopped after %d pages (fetch.pages.max) with rows on the last", paging.Limit())
			return nil
		}
		now, more, err := f.numbered(ctx, address, paging, number)
		if err != nil {
			return err
		}
		if !more && number == 1 {
			return nil // gate 1 says what is wrong with it
		}
		if last := f.pages[len(f.pages)-1]; !more && last.Framing == register.FramedCut {
			f.end("page %d was cut before its first row: %s", number, last.URL)
			return nil
		}
		if !more {
			f.dropLast()
			if now, more, err = f.numbered(ctx, address, paging, number); err != nil {
				return err
			}
		}
		if !more {
			f.dropLast()
			return f.beyond(ctx, address, paging, number+1)
		}
		f.seen = append(f.seen, now)
	}
}

// numbered asks for a page by its number. more: it holds rows that no page
// before it holds.
func (f *fetching) numbered(ctx context.Context, address string, paging register.Paging, number int) (now glance, more bool, err error) {
	value := paging.From + (number-1)*max(1, paging.Step)
	page, err := f.visit(ctx, withParam(address, paging.Param, strconv.Itoa(value)))
	if number > 1 && isAbsent(page, err) {
		return now, false, nil
	}
	if err != nil {
		return now, false, err
	}
	if now, err = f.glanceAt(ctx, *page); err != nil {
		return now, false, countFailure(ctx, page.URL, err)
	}
	_, repeated := f.repeats(now)
	return now, now.rows > 0 && !repeated, nil
}

// beyond asks for the page behind the one that ended a count. Many servers have
// nothing but an error for it; rows on it show that the count ended too early.
func (f *fetching) beyond(ctx context.Context, address string, paging register.Paging, number int) error {
	before := len(f.pages)
	_, more, err := f.numbered(ctx, address, paging, number)
	f.pages = f.pages[:before]
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err == nil && more {
		f.endInDoubt("page %d holds no rows of its own, and page %d does", number-1, number)
	}
	return nil
}

// end notes on the last page why paging ended early.
func (f *fetching) end(format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	f.pages[len(f.pages)-1].PagingEnded = reason
	f.ended = orDefault(f.ended, reason)
}

// endInDoubt notes the same where another walk may come to the end.
func (f *fetching) endInDoubt(format string, args ...any) {
	f.end(format, args...)
	f.doubt = fmt.Sprintf(format, args...)
}

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
