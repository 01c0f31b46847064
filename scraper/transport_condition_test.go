package scraper

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

// tagged serves a page with an ETag and honours conditions.
func tagged(content, tag string, conditions *[]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*conditions = append(*conditions, r.Header.Get("If-None-Match")+" "+r.Header.Get("If-Modified-Since"))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Last-Modified", "Tue, 23 Dec 2025 02:27:29 GMT")
		_, _ = io.WriteString(w, content)
	}
}

func TestConditionalRequests(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s, store := newTestScraper(t, func(o *Options) { o.Now = func() time.Time { return now } })
	var conditions []string
	server := newSite(t, map[string]http.HandlerFunc{"/": tagged("name\nA\n", `"v1"`, &conditions)})
	def := own(server.URL + "/")
	asked := func(v register.Validators, def register.Definition) (string, Fetched) {
		conditions = nil
		fetched := fetchOK(t, s, def, v)
		return conditions[0], fetched
	}

	sent, first := asked(register.Validators{}, def)
	v := first.Validators
	if sent != " " || first.NotModified || v.ETag != `"v1"` || v.LastModified == "" || !v.FullAt.Equal(now) || v.URL != server.URL+"/" || v.Definition != def.Fingerprint() {
		t.Fatalf("first: sent %q, %+v", sent, first)
	}

	now = now.Add(time.Hour)
	sent, second := asked(v, def)
	if sent != `"v1" Tue, 23 Dec 2025 02:27:29 GMT` || !second.NotModified {
		t.Fatalf("second: sent %q, %+v", sent, second)
	}
	page := second.Pages[0]
	if page.Status != http.StatusNotModified || page.SHA256 != first.Pages[0].SHA256 || second.Validators.FullAt != v.FullAt || second.Validators.LastModified != v.LastModified || second.PublishedAt == nil {
		t.Errorf("second: %+v", second)
	}
	if !second.ObservedAt.Equal(now) {
		t.Errorf("observed at %v", second.ObservedAt)
	}

	other := def
	other.Key = []string{"other"}
	moved := own(server.URL + "/?moved")
	unarchived := v
	unarchived.SHA256 = []string{"0000000000000000000000000000000000000000000000000000000000000000"}
	posted := def
	posted.Fetch.Method = http.MethodPost
	for name, c := range map[string]struct {
		v   register.Validators
		def register.Definition
	}{"read by another definition": {v, other}, "at another URL": {v, moved}, "its body is gone": {unarchived, def}, "posted": {v, posted}} {
		if sent, fetched := asked(c.v, c.def); sent != " " {
			t.Errorf("%s: sent %q, %+v", name, sent, fetched)
		}
	}

	now = v.FullAt.Add(fullEvery)
	sent, daily := asked(second.Validators, def)
	if sent != " " || !daily.NotModified || !daily.Validators.FullAt.Equal(now) {
		t.Errorf("once a day: sent %q, %+v", sent, daily)
	}
	if usage, _ := store.Usage(t.Context()); usage.Objects != 1 {
		t.Errorf("archive holds %+v", usage)
	}
}

func TestConditionsOfTheDefinitionAreNotSent(t *testing.T) {
	s, _ := newTestScraper(t)
	var conditions []string
	server := newSite(t, map[string]http.HandlerFunc{"/": tagged("name\n", `"v1"`, &conditions)})
	def := own(server.URL + "/")
	def.Fetch.Headers = map[string]string{"If-None-Match": `"v1"`}
	fetchOK(t, s, def, register.Validators{})
}

func TestChangedBytesAreNotUnmodified(t *testing.T) {
	s, _ := newTestScraper(t)
	content := "name\nA\n"
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) }})
	def := own(server.URL + "/")
	v := fetchOK(t, s, def, register.Validators{}).Validators
	if !fetchOK(t, s, def, v).NotModified {
		t.Error("the same bytes are not taken for unchanged")
	}
	other := def
	other.Key = []string{"other"}
	if fetchOK(t, s, other, v).NotModified {
		t.Error("another definition takes the bytes for unchanged")
	}
	content += "B\n"
	if fetchOK(t, s, def, v).NotModified {
		t.Error("other bytes are taken for unchanged")
	}
}

// A page that was modified in the very second of the fetch may change again
// within it, and its Last-Modified stays the same.
func TestFreshLastModifiedIsNoCondition(t *testing.T) {
	for _, test := range []struct {
		before    time.Duration // the page was modified so long before it was sent
		condition bool
	}{{0, false}, {30 * time.Second, false}, {2 * time.Minute, true}} {
		s, _ := newTestScraper(t)
		var asked string
		server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
			asked = r.Header.Get("If-Modified-Since")
			w.Header().Set("Last-Modified", time.Now().Add(-test.before).UTC().Format(http.TimeFormat))
			_, _ = io.WriteString(w, "name\nA\n")
		}})
		def := own(server.URL + "/")
		fetchOK(t, s, def, fetchOK(t, s, def, register.Validators{}).Validators)
		if (asked != "") != test.condition {
			t.Errorf("modified %s before: asked with %q", test.before, asked)
		}
	}
}
