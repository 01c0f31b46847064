package scraper

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"

	"golang.org/x/net/publicsuffix"
)

// Limits of a fetch's cookies.
const (
	maxCookies     = 100
	maxCookieBytes = 4 << 10
)

// jar holds the cookies of one fetch, and not more than a browser would.
type jar struct {
	*cookiejar.Jar
	taken int
}

func newJar() (*jar, error) {
	j, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	return &jar{Jar: j}, err
}

// SetCookies takes cookies until there are too many.
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, cookie := range cookies {
		if j.taken >= maxCookies || len(cookie.Name)+len(cookie.Value) > maxCookieBytes {
			continue
		}
		j.taken++
		j.Jar.SetCookies(u, []*http.Cookie{cookie})
	}
}
