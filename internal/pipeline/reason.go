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

// advice says what to do about a page that gate 1 refused.
func advice(check register.Check) string {
	switch check.Class {
	case register.ClassWrongThing, register.ClassWebPage:
		return "open the address in a browser; if the register has moved, mend fetch.url"
	case register.ClassLogin, register.ClassCaptcha, register.ClassRejected:
		return "the server does not want to be read like this; ask its authority for access, or for a file"
	case register.ClassMaintenance, register.ClassErrorPage, register.ClassCut:
		return "this passes when the server is well again"
	case register.ClassEmpty:
		if check.Name == register.CheckCount {
			return "look at the page: if the register may be empty, set expect.entries.min to 0; if not, mend parse.rows"
		}
		return "this passes when the server is well again"
	case register.ClassLanguage:
		return "ask for the other language, in fetch.url or by a header"
	case register.ClassShape:
		return "if a column has a new name, list both under its field's from; if it holds something else now, mend the field or the key"
	case register.ClassUndecodable:
		return "if the register has another encoding now, mend fetch.encoding"
	case register.ClassUnreadable:
		return "if the register has another form now, mend parse"
	case register.ClassTooLarge:
		if check.Name != register.CheckCap {
			return "" // what takes too much says what to do itself
		}
		return "if the register is really that large, raise fetch.max_bytes"
	}
	return ""
}
