package scraper

import (
	"strings"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// A body that ends with its connection is fetched once more, unless its text
// shows its end.
func TestPageWithoutAnEndIsFetchedTwice(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, format string
		bodies       []string
		framing      register.Framing
	}{
		{"the same bytes", register.FormatCSV, []string{"name\nA\nB\n"}, register.FramedTwice},
		{"other bytes", register.FormatCSV, []string{"name\nA\n", "name\nA\nB\n"}, register.FramedByClose},
		{"an error the second time", register.FormatText, []string{"A\nB\n", ""}, register.FramedByClose},
		{"HTML without its end", register.FormatHTML, []string{"<table><tr><td>A"}, register.FramedTwice},
		{"HTML with its end", register.FormatHTML, []string{"<table><tr><td>A</table></HTML>\n", "other"}, register.FramedByClose},
		{"JSON", register.FormatJSON, []string{`["A"]`, "other"}, register.FramedByClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, store := newTestScraper(t)
			var responses []string
			for _, body := range c.bodies {
				responses = append(responses, strings.TrimSuffix(head+body, head)) // nothing at all is an error
			}
			def := own(raw(t, responses...))
			def.Parse.Format = c.format
			fetched := fetchOK(t, s, def, register.Validators{})
			if len(fetched.Pages) != 1 || fetched.Pages[0].Framing != c.framing || store.text(t, fetched.Pages[0].SHA256) != c.bodies[0] {
				t.Errorf("%d pages, the first %s", len(fetched.Pages), fetched.Pages[0].Framing)
			}
		})
	}
}
