package scraper

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/andybalholm/cascadia"
	"github.com/gocolly/colly/v2"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
)

// fetching is one fetch under way.
type fetching struct {
	scraper   *Scraper
	def       register.Definition
	before    register.Validators
	collector *colly.Collector
	transport *transport
	own       *http.Transport // of this source's trust; nil: the shared one
	untrusted error           // why its trust can not be read
	reader    *Reader         // where there are pages to crawl

	pages       []register.Page
	conditional bool   // at least one request was sent with conditions
	ended       string // why paging ended early

	seen  []glance // the pages of the walk under way
	doubt string   // why that walk should be made once more; empty: no reason

	next      string // link found on the last page, absolute; empty if it can not be followed
	nextHref  string // as written
	nextFound bool
}

// all fetches every page of the register, in order.
func (f *fetching) all(ctx context.Context) error {
	if err := f.check(); err != nil {
		return err
	}
	collector, err := f.newCollector(ctx)
	if err != nil {
		return &register.Failure{Class: register.ClassInternal, Err: fmt.Errorf("prepare fetch of %s: %w", f.def.ID, err)}
	}
	f.collector = collector
	paging := f.def.Fetch.Pages
	for _, address := range f.def.Fetch.URLs {
		if paging == nil || paging.Next == "" && paging.Param == "" {
			_, err = f.visit(ctx, address)
		} else {
			err = f.crawl(ctx, address)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// check refuses what no request should be made for.
func (f *fetching) check() error {
	if len(f.def.Fetch.URLs) == 0 {
		return &register.Failure{Class: register.ClassInternal, Err: fmt.Errorf("the definition of %s has no fetch.url", f.def.ID)}
	}
	for _, address := range f.def.Fetch.URLs {
		if _, err := safenet.CheckURL(address); err != nil {
			return &register.Failure{Class: register.ClassBlockedAddress, Where: address, Err: err, Hint: "mend fetch.url"}
		}
	}
	if f.untrusted != nil {
		return &register.Failure{Class: register.ClassInternal, Err: fmt.Errorf("fetch.tls of %s: %w", f.def.ID, f.untrusted)}
	}
	paging := f.def.Fetch.Pages
	if paging == nil {
		return nil
	}
	if paging.Next != "" {
		if _, err := cascadia.ParseGroup(paging.Next); err != nil {
			return &register.Failure{Class: register.ClassInternal, Err: fmt.Errorf("fetch.pages.next of %s: %w", f.def.ID, err)}
		}
	}
	reader, errs := NewReader(f.def) // pages are compared by their rows
	if len(errs) > 0 {
		return &register.Failure{Class: register.ClassInternal, Err: fmt.Errorf("read the definition of %s: %w", f.def.ID, errs[0])}
	}
	f.reader = reader
	return nil
}

// newCollector gives a fetch its own collector. What could be said by options
// is set afterwards, because colly lets COLLY_ environment variables override
// options.
func (f *fetching) newCollector(ctx context.Context) (*colly.Collector, error) {
	jar, err := newJar()
	if err != nil {
		return nil, err
	}
	c := colly.NewCollector(colly.StdlibContext(ctx))
	c.AllowedDomains, c.DisallowedDomains = nil, nil
	c.AllowURLRevisit = true
	c.Async = false // a panic in a callback would end the process
	c.CacheDir = ""
	c.CheckHead = false
	c.DetectCharset = false
	c.IgnoreRobotsTxt = true // ours is in the transport
	c.MaxBodySize = 0        // ours is an error, colly's is a cut
	c.MaxDepth, c.MaxRequests = 0, 0
	c.ParseHTTPErrorResponse = true // otherwise 304 is an error
	c.TraceHTTP = false
	c.SetClient(&http.Client{Transport: f.transport, Jar: jar, CheckRedirect: checkRedirect})
	if p := f.def.Fetch.Pages; p != nil && p.Next != "" {
		c.OnHTML(p.Next, f.foundNext)
	}
	return c, nil
}

// foundNext notes the first next link of a page. It may be an element around
// the link.
func (f *fetching) foundNext(e *colly.HTMLElement) {
	if f.nextFound {
		return
	}
	href, found := e.DOM.Attr("href")
	if !found {
		href, found = e.DOM.Find("a[href]").First().Attr("href")
	}
	if !found {
		return // a button that is switched off
	}
	f.nextFound, f.nextHref = true, href
	f.next = e.Request.AbsoluteURL(strings.TrimSpace(href))
}

// visit asks for one page and appends it to what was fetched, also if it is an
// error page. The returned page is nil if nothing was received.
func (f *fetching) visit(ctx context.Context, address string) (*register.Page, error) {
	page, err := f.visitOnce(ctx, address)
	if err == nil && f.lacksEnd(*page) {
		f.confirm(ctx, address, page)
	}
	return page, err
}

func (f *fetching) visitOnce(ctx context.Context, address string) (*register.Page, error) {
	method, body := f.request()
	f.nextFound, f.nextHref, f.next = false, "", ""
	f.transport.page = nil
	f.transport.asked = asked{url: address, method: method, links: f.def.Fetch.Pages != nil && f.def.Fetch.Pages.Next != ""}
	header := f.header(address, method)
	err := f.collector.Request(method, address, body, nil, header)
	page := f.transport.page
	if page != nil {
		f.pages = append(f.pages, *page)
	}
	if err == nil && page == nil {
		err = fmt.Errorf("no request was made for %s", address)
	}
	if err != nil {
		return page, failureOf(ctx, address, err)
	}
	return page, nil
}

// request gives method and body: a form or a JSON text means POST unless the
// definition says otherwise.
func (f *fetching) request() (string, io.Reader) {
	fetch := f.def.Fetch
	method := strings.ToUpper(fetch.Method)
	switch {
	case fetch.JSON != "":
		return orDefault(method, http.MethodPost), strings.NewReader(fetch.JSON)
	case len(fetch.Form) > 0:
		form := url.Values{}
		for name, value := range fetch.Form {
			form.Set(name, value)
		}
		return orDefault(method, http.MethodPost), strings.NewReader(form.Encode())
	}
	return orDefault(method, http.MethodGet), nil
}

func orDefault(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// header gives the request's header: ours, then the definition's.
func (f *fetching) header(address, method string) http.Header {
	h := http.Header{"User-Agent": {f.scraper.userAgent}, "Accept": {"*/*"}}
	switch {
	case f.def.Fetch.JSON != "":
		h.Set("Content-Type", "application/json")
	case len(f.def.Fetch.Form) > 0:
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range f.def.Fetch.Headers {
		h.Set(name, value)
	}
	f.addConditions(h, address, method)
	return h
}
