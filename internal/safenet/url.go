package safenet

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

const (
	maxURLBytes  = 8 << 10
	maxHostBytes = 253 // RFC 1035, 2.3.4
	maxLabel     = 63
)

// CheckURL parses an absolute http or https URL and refuses, as a
// [*BlockedError], what different parsers read differently: user names, control
// characters, white space, backslashes, %00, numeric hosts in any form but the
// plain one, full-width and other look-alike spellings of a host. The result's
// host is lower-cased and in its ASCII form.
func CheckURL(s string) (*url.URL, error) {
	if why := oddText(s); why != "" {
		return nil, refuse(s, why)
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, refuse(s, "not a URL")
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme == "":
		return nil, refuse(s, "no scheme; write https://…")
	case scheme != "http" && scheme != "https":
		return nil, refuse(s, "scheme "+scheme+" is not http or https")
	case u.Opaque != "" || u.Host == "":
		return nil, refuse(s, "no host")
	case u.User != nil:
		return nil, refuse(s, "a user name in the URL; use a header")
	}
	host, why := checkHost(u.Hostname(), strings.HasPrefix(u.Host, "["))
	if why == "" {
		why = oddPort(u)
	}
	if why != "" {
		return nil, refuse(s, why)
	}
	if port := u.Port(); port != "" {
		u.Host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	} else {
		u.Host = host
	}
	return u, nil
}

func refuse(s, why string) error {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return &BlockedError{Address: strconv.Quote(s), Why: why}
}

// oddText says what in the text of a URL no honest URL has.
func oddText(s string) string {
	switch {
	case len(s) > maxURLBytes:
		return "longer than 8192 bytes"
	case strings.Contains(s, `\`):
		return "a backslash"
	case strings.Contains(s, "%00"):
		return "a NUL"
	}
	for _, r := range s {
		switch {
		case unicode.IsControl(r):
			return "a control character"
		case unicode.IsSpace(r):
			return "white space; write %20"
		case r == unicode.ReplacementChar:
			return "not UTF-8"
		}
	}
	return ""
}

func oddPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		if strings.HasSuffix(u.Host, ":") {
			return "a colon without a port"
		}
		return ""
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "port " + port + " is not between 1 and 65535"
	}
	return ""
}

// checkHost gives the host as it will be resolved, or why it is refused.
func checkHost(host string, bracketed bool) (string, string) {
	if bracketed {
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", "not an IPv6 address without a zone"
		}
		return ip.String(), ""
	}
	lower := strings.ToLower(host)
	ascii, why := asciiHost(lower)
	if why != "" {
		return "", why
	}
	if looksNumeric(ascii) {
		ip, err := netip.ParseAddr(ascii)
		if err != nil || !ip.Is4() {
			return "", "a number in place of a host; write an IPv4 address as four decimal numbers"
		}
		return ascii, ""
	}
	return ascii, oddName(ascii)
}

// asciiHost turns an international name into the one that is resolved, and
// refuses spellings that only become it by mapping (full-width, ideographic
// full stops).
func asciiHost(host string) (string, string) {
	plain := true
	for i := range len(host) {
		plain = plain && host[i] < 0x80
	}
	if plain {
		return host, ""
	}
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil {
		return "", "not an international domain name"
	}
	if back, err := idna.Lookup.ToUnicode(ascii); err != nil || back != host {
		return "", "an unusual spelling of the host " + ascii
	}
	return ascii, ""
}

// looksNumeric reports whether some resolver may take host for an IPv4 address:
// its last label is a number, decimal or hexadecimal (WHATWG URL, "ends in a
// number").
func looksNumeric(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := host[strings.LastIndexByte(host, '.')+1:]
	if digits, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

func oddName(host string) string {
	if len(host) > maxHostBytes {
		return "a host longer than 253 bytes"
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > maxLabel {
			return "a host with an empty or overlong label"
		}
	}
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return "a host with characters that no name has"
	}
	return ""
}
