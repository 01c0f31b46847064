package scraper

import (
	"regexp"
	"strings"

	"github.com/regwatch/regwatch/register"
)

var htmlLanguage = regexp.MustCompile(`(?i)<html\s[^>]*\blang\s*=\s*["']?([a-z]{2,3})`)

// languageOf gives the language that a page says it is in, without its region:
// by the document, else by the header; "" where nothing says.
func languageOf(format string, page register.Page, head string) string {
	if format == register.FormatHTML {
		if match := htmlLanguage.FindStringSubmatch(head); match != nil {
			return strings.ToLower(match[1])
		}
	}
	language, _, _ := strings.Cut(page.ResponseHeader.Get("Content-Language"), ",")
	language, _, _ = strings.Cut(language, "-")
	return strings.ToLower(strings.TrimSpace(language))
}

// otherLanguage says that a page is not in the language of the last complete
// fetch; "" where it is, or where that is not known. It is no proof of anything
// by itself: it explains why columns, or rows, are not found.
func (e evidence) otherLanguage() string {
	before, now := e.health.Shape.Language, e.snapshot.Shape.Language
	if !e.health.Known || before == "" || now == "" || before == now {
		return ""
	}
	return "; the page is in the language " + now + ", and was in " + before + " the last time"
}
