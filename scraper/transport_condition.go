package scraper

import (
	"net/http"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// fullEvery is how long conditional requests are trusted: servers give wrong
// ETags, so the whole page is asked for once a day. It is a little less than a
// day so that a register that is due once a day is always fetched whole.
const fullEvery = 23 * time.Hour

// addConditions makes a request conditional where an answer of 304 would be
// believed: one page, asked for by GET at the same URL, read by the same
// definition, whose body is in the archive and was fetched whole within a day.
func (f *fetching) addConditions(h http.Header, address, method string) {
	h.Del("If-None-Match")
	h.Del("If-Modified-Since")
	v := f.before
	age := f.scraper.now().Sub(v.FullAt)
	if method != http.MethodGet || f.def.Fetch.Pages != nil || len(f.def.Fetch.URLs) != 1 || v.URL != address ||
		v.ETag == "" && v.LastModified == "" || len(v.SHA256) != 1 || age < 0 || age >= fullEvery || !f.isArchived(v.SHA256[0]) {
		return
	}
	if v.ETag != "" {
		h.Set("If-None-Match", v.ETag)
	}
	if v.LastModified != "" {
		h.Set("If-Modified-Since", v.LastModified)
	}
	f.conditional = true
	f.transport.asked.unchanged = v.SHA256[0]
}

func (f *fetching) isArchived(sha256 string) bool {
	body, err := f.scraper.archive.Open(sha256)
	if err != nil {
		return false
	}
	body.Close()
	return true
}

// result says what was fetched. whole: no error ended it.
func (f *fetching) result(whole bool) Fetched {
	fetched := Fetched{Pages: f.pages, PagingEnded: f.ended, ObservedAt: f.scraper.now().UTC()}
	v := register.Validators{FullAt: fetched.ObservedAt, Definition: f.def.Fingerprint()}
	if f.conditional {
		v.FullAt = f.before.FullAt
	}
	steady := whole && f.ended == ""
	for _, page := range f.pages {
		fetched.ObservedAt = page.FetchedAt
		v.SHA256 = append(v.SHA256, page.SHA256)
		steady = steady && page.Framing != register.FramedCut
		if at, err := http.ParseTime(f.stamp(page)); err == nil && (fetched.PublishedAt == nil || at.After(*fetched.PublishedAt)) {
			at = at.UTC()
			fetched.PublishedAt = &at
		}
	}
	fetched.NotModified = steady && len(v.SHA256) > 0 && slices.Equal(v.SHA256, f.before.SHA256)
	f.takeValidators(&v)
	fetched.Validators = v
	if body := f.transport.body; body.large() && len(f.pages) == 1 && f.pages[0].SHA256 == body.sha256 {
		fetched.Body, fetched.Validators.Begins = body, body.begins
	} else {
		_ = body.Close()
	}
	return fetched
}

// stamp is a page's Last-Modified. A 304 may leave it out: then the old one
// stays true.
func (f *fetching) stamp(page register.Page) string {
	stamp := page.ResponseHeader.Get("Last-Modified")
	if page.Status == http.StatusNotModified {
		stamp = orDefault(stamp, f.before.LastModified)
	}
	return stamp
}

// takeValidators takes ETag and Last-Modified of a register of one page.
func (f *fetching) takeValidators(v *register.Validators) {
	if len(f.pages) != 1 || f.def.Fetch.Pages != nil || len(f.def.Fetch.URLs) != 1 {
		return
	}
	page := f.pages[0]
	v.URL, v.ETag, v.LastModified = page.URL, page.ResponseHeader.Get("ETag"), f.stamp(page)
	if page.Status == http.StatusNotModified {
		v.ETag = orDefault(v.ETag, f.before.ETag)
	}
	if isFresh(page, v.LastModified) {
		v.LastModified = ""
	}
}

// freshFor is how long a page's Last-Modified says nothing: it counts seconds,
// so that a page which changes again within them keeps it (RFC 9110, 8.8.2.2).
const freshFor = time.Minute

// isFresh reports whether the page had only just been modified when it was sent.
func isFresh(page register.Page, lastModified string) bool {
	modified, err := http.ParseTime(lastModified)
	if err != nil {
		return false
	}
	sent, err := http.ParseTime(page.ResponseHeader.Get("Date"))
	if err != nil {
		sent = page.FetchedAt
	}
	return sent.Sub(modified) < freshFor
}
