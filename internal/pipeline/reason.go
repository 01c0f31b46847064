package pipeline

import (
	"strings"

	"github.com/regwatch/regwatch/register"
)

// reason says why a fetch is not believed: where, which proof, and what was seen.
func (t *tick) reason(check register.Check) string {
	words := check.Name + ": " + check.Detail
	for _, page := range t.run.Pages {
		if strings.Contains(check.Detail, page.URL) {
			return words // it names the page itself
		}
	}
	if len(t.run.Pages) == 0 {
		return words
	}
	return t.run.Pages[0].URL + ": " + words
}
