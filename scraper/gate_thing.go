package scraper

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/transform"

	"github.com/regwatch/regwatch/register"
)

// decodeHead gives the beginning of a body as text.
func decodeHead(s *textStream) string { return decodeBytes(s.found, s.head) }

func decodeBytes(found encodingFound, raw []byte) string {
	decoder := transform.Transformer(&repairer{})
	if found.name != "utf-8" {
		decoder = transform.Chain(found.encoding.NewDecoder(), decoder)
	}
	text, _, _ := transform.Bytes(decoder, raw) // the end may be cut inside a character
	return string(text)
}

// notTheThing says what came in place of a page of the format, from its first
// bytes; nil where it may be the page. The bytes count, not what the header says
// of them: servers mislabel files every day.
func notTheThing(format string, page register.Page, raw []byte, head string) *register.Failure {
	wrong := func(class, message string, args ...any) *register.Failure {
		return &register.Failure{Class: class, Where: page.URL, Err: fmt.Errorf(message, args...)}
	}
	if page.Status != 0 && page.Status != http.StatusOK {
		return wrong(register.ClassStatus, "the server answered %d %s", page.Status, http.StatusText(page.Status))
	}
	start := strings.TrimSpace(head)
	if !visible(start) {
		if len(raw) == 0 {
			return wrong(register.ClassEmpty, "the body is empty: zero bytes")
		}
		return wrong(register.ClassEmpty, "the body holds nothing but white space")
	}
	if came := cameInstead(format, page, raw, start); came.words != "" {
		return wrong(came.class, "%s came where %s was expected", came.words, formatWords(format))
	}
	return nil
}

// thing is what came in place of a register: a class of failure, and words; zero
// where nothing did.
type thing struct{ class, words string }

func wrongThing(words string) thing { return thing{register.ClassWrongThing, words} }

// cameInstead names what begins like this, unless it can be of the format.
func cameInstead(format string, page register.Page, raw []byte, start string) thing {
	if name := binaryName(raw); name != "" {
		return wrongThing(name)
	}
	isHTML, isXML, isJSON := looksHTML(start), strings.HasPrefix(start, "<?xml"), looksJSON(start)
	isLine := format == register.FormatCSV || format == register.FormatText
	wantsJSON := format == register.FormatJSON || format == register.FormatNDJSON
	if wantsJSON {
		isJSON = strings.HasPrefix(start, "[") || strings.HasPrefix(start, "{") // whether it is, its reader says
	}
	switch {
	case format == register.FormatHTML && isHTML, format == register.FormatHTML && isMarkup(start) && !isXML:
		return thing{}
	case isHTML, isLine && saysHTML(page) && htmlTags.MatchString(start):
		// A page in place of a file has its own encoding, not the file's.
		found := findEncoding("", page.ResponseHeader.Get("Content-Type"), register.FormatHTML, raw, "")
		return webPage(decodeBytes(found, raw))
	case format == register.FormatXML && isMarkup(start), wantsJSON && isJSON:
		return thing{}
	case isXML:
		return wrongThing("an XML document")
	case isMarkup(start):
		return wrongThing("markup (" + snippet(start) + ")")
	case isJSON:
		return jsonThing(start)
	}
	if refused := refusalInText(start); refused.words != "" || isLine {
		return refused
	}
	return wrongThing("plain text (" + snippet(start) + ")")
}

// saysHTML reports whether the server calls a page HTML. Many call every file so;
// it counts only beside tags.
func saysHTML(page register.Page) bool {
	return strings.Contains(strings.ToLower(page.ResponseHeader.Get("Content-Type")), "html")
}

func formatWords(format string) string {
	switch format {
	case register.FormatCSV:
		return "a CSV file"
	case register.FormatHTML:
		return "a web page"
	case register.FormatJSON:
		return "JSON"
	case register.FormatNDJSON:
		return "lines of JSON"
	case register.FormatXML:
		return "XML"
	}
	return "a list in plain text"
}

func thingWords(format string, page register.Page) string {
	if label := page.ResponseHeader.Get("Content-Type"); label != "" {
		return formatWords(format) + ", labelled " + label
	}
	return formatWords(format)
}

// binaryName names a file by its magic bytes; "" for text.
func binaryName(raw []byte) string {
	for _, magic := range []struct{ bytes, name string }{
		{"%PDF-", "a PDF file"},
		{"PK\x03\x04", "a ZIP or XLSX file"},
		{"PK\x05\x06", "an empty ZIP file"},
		{"\x1f\x8b", "a gzip file"},
		{"\xd0\xcf\x11\xe0", "an old Office file"},
		{"\x89PNG", "a picture"},
		{"\xff\xd8\xff", "a picture"},
		{"GIF8", "a picture"},
		{"{\\rtf", "an RTF file"},
		{"7z\xbc\xaf", "a 7z file"},
		{"Rar!", "a RAR file"},
		{"\x7fELF", "a program"},
		{"\x28\xb5\x2f\xfd", "a zstd file"},
	} {
		if bytes.HasPrefix(raw, []byte(magic.bytes)) {
			return magic.name
		}
	}
	return ""
}

var (
	markupStart = regexp.MustCompile(`^<([!?][^>]*|[A-Za-z][A-Za-z0-9:_-]*(\s[^>]*)?/?)>`)
	htmlTag     = regexp.MustCompile(`(?i)<(!doctype\s+html|html|head|body)[\s>]`)
	jsonStart   = regexp.MustCompile(`^(\{\s*["}]|\[\s*[\[{"\]0-9-])`)
	htmlTags    = regexp.MustCompile(`(?i)<(p|div|br|a|form|h[1-6]|center|span|title)[\s>/][^<]*</?[a-z]`)
	titleTag    = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	errorKey    = regexp.MustCompile(`^\{\s*"(error|errors|message|status|statusCode|code|detail|fault|exception|success)"\s*:`)
)

func isMarkup(start string) bool { return markupStart.MatchString(start) }

func looksHTML(start string) bool {
	return isMarkup(start) && htmlTag.MatchString(start[:min(len(start), 4096)])
}

// looksJSON reports whether a text begins with a value of JSON and nothing that
// is none: lists of text may begin with a bracket too, such as "[1] Firm".
func looksJSON(start string) bool {
	if !jsonStart.MatchString(start) {
		return false
	}
	decoder := json.NewDecoder(strings.NewReader(start))
	for {
		if _, err := decoder.Token(); err != nil {
			_, wrong := errors.AsType[*json.SyntaxError](err)
			return !wrong // it ended, or was cut where the head ends
		}
	}
}

func jsonThing(start string) thing {
	if errorKey.MatchString(start) {
		return thing{register.ClassErrorPage, "an error in JSON (" + snippet(start) + ")"}
	}
	return wrongThing("JSON (" + snippet(start) + ")")
}

// webPage names a page by its title, and says what its title and its parts show
// it to be.
func webPage(text string) thing {
	title := titleOf(text)
	kind := refusal(title)
	if kind.words == "" {
		kind = refusalByParts(text)
	}
	page := "a web page without a title"
	if title != "" {
		page = fmt.Sprintf("a web page titled %q", title)
	}
	if kind.words == "" {
		return thing{register.ClassWebPage, page}
	}
	return thing{kind.class, kind.words + " (" + page + ")"}
}

func titleOf(text string) string {
	match := titleTag.FindStringSubmatch(text)
	if match == nil {
		return ""
	}
	return snippet(html.UnescapeString(match[1]))
}

// snippet gives the beginning of a text on one line.
func snippet(text string) string {
	const most = 80
	text = register.Normalize(text[:min(len(text), 8*most)])
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// excuses are the words by which a page says that it is not the register.
var excuses = []struct {
	kind    thing
	phrases []string
}{
	{thing{register.ClassCaptcha, "a captcha"}, []string{"captcha", "are you a robot", "you are human", "just a moment", "attention required", "security check"}},
	{thing{register.ClassMaintenance, "a maintenance page"}, []string{"maintenance", "temporarily unavailable", "service unavailable", "under construction", "odstávka", "údržba", "wartung", "технические работы"}},
	{thing{register.ClassRejected, "a refusal"}, []string{"request rejected", "access denied", "forbidden", "too many requests", "unauthorized", "you have been blocked", "přístup odepřen"}},
	{thing{register.ClassErrorPage, "an error page"}, []string{"not found", "internal server error", "bad gateway", "gateway timeout", "gateway time-out", "error 404", "error 500", "nenalezena"}},
	{thing{register.ClassLogin, "a login page"}, []string{"log in", "login", "sign in", "přihlášení", "anmeldung"}},
}

// refusal says what a title sounds like; zero for nothing known.
func refusal(title string) thing {
	title = strings.ToLower(title)
	for _, excuse := range excuses {
		for _, phrase := range excuse.phrases {
			if strings.Contains(title, phrase) {
				return excuse.kind
			}
		}
	}
	return thing{}
}

// parts are the elements and words of pages that stand between a reader and the
// register, whatever their title.
var parts = []struct {
	kind    thing
	pattern *regexp.Regexp
}{
	{thing{register.ClassCaptcha, "a captcha"}, regexp.MustCompile(`(?i)g-recaptcha|h-captcha|hcaptcha\.com|cf-turnstile|cf-challenge|challenge-platform|/captcha/`)},
	{thing{register.ClassRejected, "a refusal"}, regexp.MustCompile(`(?i)the requested url was rejected|your support id is|incident id:|you don't have permission to access`)},
	{thing{register.ClassLogin, "a login page"}, regexp.MustCompile(`(?i)<input[^>]+type\s*=\s*["']?password`)},
}

// refusalByParts says what a page in place of the register is by what it holds.
func refusalByParts(text string) thing {
	for _, part := range parts {
		if part.pattern.MatchString(text) {
			return part.kind
		}
	}
	return thing{}
}

// refusalInText names a refusal in plain text: a line or two that begin with
// words no list begins with. A short list of real names must never look so.
func refusalInText(start string) thing {
	const mostLines = 5
	if len(start) > 1024 || strings.Count(start, "\n") >= mostLines {
		return thing{}
	}
	first, _, _ := strings.Cut(strings.ToLower(start), "\n")
	first = strings.TrimPrefix(first, "error: ")
	for _, refused := range []struct{ class, phrase string }{
		{register.ClassRejected, "request rejected"},
		{register.ClassRejected, "access denied"},
		{register.ClassRejected, "too many requests"},
		{register.ClassRejected, "403 forbidden"},
		{register.ClassRejected, "429 too"},
		{register.ClassRejected, "the requested url was rejected"},
		{register.ClassMaintenance, "service unavailable"},
		{register.ClassMaintenance, "service temporarily unavailable"},
		{register.ClassMaintenance, "503 service"},
		{register.ClassErrorPage, "internal server error"},
		{register.ClassErrorPage, "bad gateway"},
		{register.ClassErrorPage, "gateway timeout"},
		{register.ClassErrorPage, "404 not found"},
		{register.ClassErrorPage, "502 bad"},
	} {
		if strings.HasPrefix(first, refused.phrase) {
			return thing{refused.class, "a refusal (" + snippet(start) + ")"}
		}
	}
	return thing{}
}

// excuseOf says what a page that is of the right format and holds no rows is
// instead; zero where it does not say.
func excuseOf(format, head string) thing {
	start := strings.TrimSpace(head)
	switch {
	case format == register.FormatHTML && (refusal(titleOf(head)).words != "" || refusalByParts(head).words != ""):
		return webPage(head)
	case (format == register.FormatJSON || format == register.FormatNDJSON) && errorKey.MatchString(start):
		return jsonThing(start)
	}
	return thing{}
}
