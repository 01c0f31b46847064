package schedules

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/regwatch/regwatch/register"
)

func (f *findings) fetch(fetch register.Fetch, written *node) {
	if written == nil || written.shape != mapping {
		return
	}
	f.addresses(fetch, written)
	f.body(fetch, written)
	for name, value := range fetch.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			f.add("fetch.headers", fmt.Sprintf("%q is not a name of a header", name), "")
		} else if !httpguts.ValidHeaderFieldValue(value) {
			f.add("fetch.headers."+name, "is not a value of a header", "line breaks and controls are not allowed")
		}
	}
	if fetch.Encoding != "" {
		if _, err := htmlindex.Get(fetch.Encoding); err != nil {
			f.add("fetch.encoding", shortened(fetch.Encoding)+" is not an encoding", "want a WHATWG label, as utf-8, windows-1250 or shift_jis")
		}
	}
	if fetch.Pages != nil {
		f.pages(*fetch.Pages, written.member("pages"))
	}
	f.tls(fetch)
}

func (f *findings) tls(fetch register.Fetch) {
	said := fetch.TLS
	if _, err := said.Roots(); err != nil {
		f.add("fetch.tls.ca", err.Error(), "want PEM: -----BEGIN CERTIFICATE----- and so on, behind `ca: |`")
	}
	for i, pin := range said.Pins {
		if err := register.CheckPin(pin); err != nil {
			f.add(fmt.Sprintf("fetch.tls.pin[%d]", i), shortened(pin)+" "+err.Error(), "docs/adding-a-register.md tells how to make one")
		}
	}
	for _, address := range fetch.URLs {
		if (said.CA != "" || len(said.Pins) > 0) && strings.HasPrefix(strings.ToLower(address), "http:") {
			f.add("fetch.tls", "is of no use for "+shortened(address), "write an https address")
		}
	}
}

func (f *findings) addresses(fetch register.Fetch, written *node) {
	one, several := written.member("url"), written.member("urls")
	switch {
	case one == nil && several == nil:
		f.add("fetch.url", "is required", "or `urls`, where there are several")
	case one != nil && several != nil:
		f.add("fetch.url", "`url` and `urls` exclude each other", "")
	case one != nil:
		if len(fetch.URLs) > 0 { // or it is no text, of which the schema tells
			f.address("fetch.url", fetch.URLs[0])
		}
	default:
		for i, item := range several.items {
			if text, ok := item.value.(string); ok {
				f.address(fmt.Sprintf("fetch.urls[%d]", i), text)
			}
		}
	}
}

func (f *findings) body(fetch register.Fetch, written *node) {
	form, body := written.member("form"), written.member("json")
	switch {
	case form != nil && body != nil:
		f.add("fetch.json", "`form` and `json` exclude each other", "")
	case form != nil && fetch.Method == http.MethodGet:
		f.add("fetch.method", "GET sends no form", "leave method out, or write POST")
	case body != nil && fetch.Method == http.MethodGet:
		f.add("fetch.method", "GET sends no body", "leave method out, or write POST")
	}
}

func (f *findings) pages(p register.Paging, written *node) {
	if written == nil || written.shape != mapping {
		return
	}
	switch {
	case len(written.members) == 0, p.Next == "" && p.Param == "" && written.knowsOnly("max", "from", "step"):
		f.add("fetch.pages", "needs `next` or `param`", "next is a selector of a link, param the name of a query parameter")
	case p.Next != "" && p.Param != "":
		f.add("fetch.pages.param", "`next` and `param` exclude each other", "")
	}
	if p.Next != "" {
		for _, name := range []string{"from", "step"} {
			if written.member(name) != nil {
				f.add("fetch.pages."+name, "belongs to `param`", "a next link needs none")
			}
		}
	}
}

// knowsOnly reports whether a mapping has no members but these.
func (n *node) knowsOnly(names ...string) bool {
	for _, m := range n.members {
		known := false
		for _, name := range names {
			known = known || m.name == name
		}
		if !known {
			return false
		}
	}
	return true
}

// address checks a URL that is fetched or shown: http or https, absolute, and
// without the spellings that readers of URLs disagree about.
func (f *findings) address(path, address string) {
	const hint = "want an address as https://example.org/register.csv"
	for _, c := range address {
		if c <= ' ' || c == '\\' || c == 0x7f {
			f.add(path, shortened(address)+" holds a blank, a control or a backslash", "write blanks as %20")
			return
		}
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		f.add(path, shortened(address)+" is not an address", hint)
	case u.Scheme != "http" && u.Scheme != "https":
		f.add(path, shortened(address)+" is not an http or https address", hint)
	case u.User != nil:
		f.add(path, "an address must not carry a user name or password", "send a header instead")
	case u.Hostname() == "" || u.Opaque != "":
		f.add(path, shortened(address)+" names no host", hint)
	case strings.Contains(u.Host, "%"):
		f.add(path, shortened(address)+" has an escaped host", hint)
	}
}
