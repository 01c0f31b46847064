package safenet

import (
	"net/url"
	"strings"
	"testing"
)

func TestCheckURLAccepts(t *testing.T) {
	for in, host := range map[string]string{
		"https://example.org/a?b=c#d":                 "example.org",
		"HTTP://Example.ORG:8080/":                    "example.org:8080",
		"http://127.0.0.1:80/":                        "127.0.0.1:80", // for the dialer to judge
		"http://[::1]:80/":                            "[::1]:80",
		"http://[2001:0DB8::1]/":                      "[2001:db8::1]",
		"https://минфин.рф/реестр.csv":                "xn--h1aakfb4b.xn--p1ai",
		"https://bücher.example/":                     "xn--bcher-kva.example",
		"https://xn--bcher-kva.example/":              "xn--bcher-kva.example",
		"https://a_b.example/%D1%80?q=%5C":            "a_b.example",
		"https://dead.beef/":                          "dead.beef",
		"https://1.2.3.4.example/":                    "1.2.3.4.example",
		"https://" + strings.Repeat("a", 63) + ".org": strings.Repeat("a", 63) + ".org",
	} {
		u, err := CheckURL(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		} else if u.Host != host {
			t.Errorf("%s: host %q, want %q", in, u.Host, host)
		}
	}
}

func TestCheckURLRefuses(t *testing.T) {
	for _, in := range []string{
		"", "/a", "example.org", "//example.org/", "http:///a", "http:", "http:example.org", "http://",
		"file:///etc/passwd", "gopher://example.org/", "data:text/html,x", "ftp://example.org/", "jar:http://example.org/!/", "javascript:alert(1)",
		"http://user@example.org/", "http://user:pass@example.org/", "http://@example.org/", "http://example.org@127.0.0.1/",
		"http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/", "http://127.0.1/", "http://127.0.0.01/", "http://0/", "http://127.0.0.1./", "http://0x/", "http://a.0x7f/", "http://1.2.3.4.5/", "http://256.0.0.1/",
		"http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/", "http://127\u30020\u30020\u30021/", "http://\uff4cocalhost/", "http://①②⑦.0.0.1/", "http://exa\u00admple.org/", "http://example.org\u200b/",
		"http://%31%32%37.0.0.1/", "http://example.org%00.evil/", "http://example.org/%00", "http://example.org/a\\b", "http:\\\\example.org\\", "http://example.org\\@evil/",
		"http://example.org/\r\nHost: evil", "http://example.org/\x00", "http://example.org/\t", "http://exam ple.org/", "http://example.org/a b", "http://example.org/\u0085", "http://example.org/\u2028", "http://example.org/\xff",
		"http://[::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[127.0.0.1]/", "http://[::1", "http://::1/",
		"http://example.org:0/", "http://example.org:65536/", "http://example.org:/", "http://example.org:x/", "http://example.org:-1/",
		"http://.example.org/", "http://example..org/", "http://example.org./", "http://exa$mple.org/", "http://exa%6dple.org/",
		"https://" + strings.Repeat("a", 64) + ".org", "https://example.org/" + strings.Repeat("a", 8192),
	} {
		if u, err := CheckURL(in); err == nil {
			t.Errorf("%q is accepted as %s", in, u)
		} else if !IsBlocked(err) {
			t.Errorf("%q: %v is not a BlockedError", in, err)
		} else if strings.ContainsAny(err.Error(), "\r\n\x00") || len(err.Error()) > 400 {
			t.Errorf("%q: message %q can not be shown", in, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.org/", "http://127.0.0.1:80/a?b", "http://[::1]/", "https://минфин.рф/", "http://0x7f.1/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := CheckURL(s)
		if err != nil {
			return
		}
		again, err := CheckURL(u.String())
		if err != nil {
			t.Fatalf("%q gave %q, which is refused: %v", s, u, err)
		}
		if again.Host != u.Host || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
			t.Fatalf("%q gave %q, then %q", s, u, again)
		}
		if _, err := url.Parse(u.String()); err != nil {
			t.Fatal(err)
		}
	})
}
