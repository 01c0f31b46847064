package scraper

import (
	"context"
	"io"

	"github.com/regwatch/regwatch/register"
)

// lacksEnd reports whether nothing tells where a page ends: its connection was
// closed, and the text does not show its own end.
func (f *fetching) lacksEnd(page register.Page) bool {
	if page.Framing != register.FramedByClose {
		return false
	}
	switch format := f.def.Parse.Format; {
	case register.OfLines(format):
		return f.def.Expect.Sentinel == ""
	case format == register.FormatHTML:
		return endSentinel(f.def, pageReading{tail: f.tailOf(page)}) == ""
	}
	return false // JSON and XML can not be read without their end
}

// tailOf gives the end of a page's bytes; empty if they can not be read, which
// then whoever reads the page says.
func (f *fetching) tailOf(page register.Page) string {
	body, err := f.scraper.archive.Open(page.SHA256)
	if err != nil {
		return ""
	}
	defer body.Close()
	tail := &tailReader{body: body}
	if _, err := io.Copy(io.Discard, tail); err != nil {
		return ""
	}
	return string(tail.tail)
}

// confirm asks for a page once more: the same bytes prove that it was whole.
// Anything else proves nothing, and the page stays as it came.
func (f *fetching) confirm(ctx context.Context, address string, page *register.Page) {
	first, found, href, next := len(f.pages), f.nextFound, f.nextHref, f.next
	again, err := f.visitOnce(ctx, address)
	f.pages = f.pages[:first]
	f.nextFound, f.nextHref, f.next = found, href, next
	if err == nil && again.SHA256 == page.SHA256 && again.Framing == register.FramedByClose {
		page.Framing = register.FramedTwice
		f.pages[first-1].Framing = register.FramedTwice
	}
}
