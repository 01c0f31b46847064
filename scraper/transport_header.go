package scraper

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// What is kept of a header, so that a hostile one does not fill the store.
const (
	maxKeptNames = 64
	maxKeptValue = 2 << 10
	redacted     = "[redacted]"
)

// keptHeader is the part of a header that is kept beside the page: secrets
// redacted, long values cut.
func keptHeader(h http.Header) http.Header {
	kept := make(http.Header, min(len(h), maxKeptNames))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if len(kept) >= maxKeptNames {
			break
		}
		switch value := strings.ToValidUTF8(strings.Join(h[name], ", "), "\uFFFD"); {
		case isSecret(name):
			kept[name] = []string{redacted}
		case len(value) > maxKeptValue:
			kept[name] = []string{strings.ToValidUTF8(value[:maxKeptValue], "") + "…"}
		default:
			kept[name] = []string{value}
		}
	}
	return kept
}

// isSecret reports whether a header's value identifies us or a session.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"cookie", "authorization", "token", "secret", "password", "api-key", "apikey", "x-auth"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
