package scraper

import (
	"bufio"
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// robotsRules is what a robots.txt (RFC 9309) asks of us. The zero value asks
// nothing.
type robotsRules struct {
	rules      []robotsRule
	crawlDelay time.Duration // not in the RFC, but asked for by many; 0: none
}

type robotsRule struct {
	allow   bool
	pattern string // normalised; "*" stands for anything, a last "$" for the end
}

// robotsToken is our product token: what User-agent lines call us.
const robotsToken = "regwatch"

// parseRobots reads the groups for us, or those for "*" if there is none for us
// (RFC 9309, 2.2.1). Lines that it does not understand say nothing.
func parseRobots(text []byte) robotsRules {
	var ours, everyones robotsRules
	found := false          // a group for us
	var into []*robotsRules // the group under way
	inAgents := false       // still among its User-agent lines
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	lines.Buffer(nil, len(text)+1)
	lines.Split(scanRobotsLines)
	for lines.Scan() {
		name, value, ok := robotsLine(lines.Text())
		if !ok {
			continue
		}
		if name == "user-agent" {
			if !inAgents {
				into = nil
			}
			inAgents = true
			switch token := productToken(value); {
			case value == "*" || strings.HasPrefix(value, "* "):
				into = append(into, &everyones)
			case strings.EqualFold(token, robotsToken):
				into, found = append(into, &ours), true
			}
			continue
		}
		if name != "allow" && name != "disallow" && name != "crawl-delay" {
			continue // sitemaps and such belong to no group and end none
		}
		inAgents = false
		for _, group := range into {
			group.add(name, value)
		}
	}
	if found {
		return ours
	}
	return everyones
}

func (r *robotsRules) add(name, value string) {
	switch name {
	case "crawl-delay":
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			r.crawlDelay = time.Duration(min(seconds, 3600) * float64(time.Second))
		}
	default:
		if value != "" { // an empty rule matches nothing
			r.rules = append(r.rules, robotsRule{allow: name == "allow", pattern: normalizeRobots(value, true)})
		}
	}
}

// allows reports whether a URL may be fetched: the longest matching rule
// decides, and an allow wins over an equally long disallow (RFC 9309, 2.2.2).
func (r robotsRules) allows(u *url.URL) bool {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if path == "/robots.txt" {
		return true
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	path = normalizeRobots(path, false)
	longest, allowed := -1, true
	for _, rule := range r.rules {
		if n := len(rule.pattern); (n > longest || n == longest && rule.allow) && rule.matches(path) {
			longest, allowed = n, rule.allow
		}
	}
	return allowed
}

// matches in linear time: each part between wildcards is taken where it first
// occurs.
func (r robotsRule) matches(path string) bool {
	pattern, toEnd := strings.CutSuffix(r.pattern, "$")
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(path, parts[0])
	if !ok {
		return false
	}
	if len(parts) == 1 {
		return !toEnd || rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	last := parts[len(parts)-1]
	if toEnd {
		return strings.HasSuffix(rest, last)
	}
	return strings.Contains(rest, last)
}

// robotsLine splits "name: value # comment".
func robotsLine(line string) (name, value string, ok bool) {
	line, _, _ = strings.Cut(line, "#")
	name, value, ok = strings.Cut(line, ":")
	return strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value), ok
}

// productToken is the leading letters, "_" and "-" of a User-agent value.
func productToken(value string) string {
	end := strings.IndexFunc(value, func(r rune) bool {
		return r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		return value
	}
	return value[:end]
}

// scanRobotsLines splits at CR, LF or both.
func scanRobotsLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexAny(data, "\r\n"); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// normalizeRobots brings paths and patterns to one spelling (RFC 9309, 2.2.2):
// unreserved characters plain, everything outside ASCII percent-encoded in upper
// case. In a path "*" and "$" are encoded, in a pattern they keep their meaning.
func normalizeRobots(s string, pattern bool) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		encoded := false
		if c == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, encoded = byte(n), true
				i += 2
			}
		}
		special := c == '*' && !pattern || c == '$' && (!pattern || i < len(s)-1)
		switch {
		case c >= 0x80 || c <= ' ' || encoded && !isUnreserved(c) || special:
			b.WriteByte('%')
			b.WriteByte("0123456789ABCDEF"[c>>4])
			b.WriteByte("0123456789ABCDEF"[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isUnreserved as in RFC 3986, 2.3.
func isUnreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
