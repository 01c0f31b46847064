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
	if came := cameInstead(format, page, raw, start); came != "" {
		return wrong(register.ClassWrongThing, "%s came where %s was expected", came, formatWords(format))
	}
	return nil
}

// cameInstead names what begins like this, unless it can be of the format.
func cameInstead(format string, page register.Page, raw []byte, start string) string {
	if name := binaryName(raw); name != "" {
		return name
	}
	isHTML, isXML, isJSON := looksHTML(start), strings.HasPrefix(start, "<?xml"), looksJSON(start)
	if format == register.FormatJSON {
		isJSON = strings.HasPrefix(start, "[") || strings.HasPrefix(start, "{") // whether it is, its reader says
	}
	switch {
	case format == register.FormatHTML && isHTML, format == register.FormatHTML && isMarkup(start) && !isXML:
		return ""
	case isHTML:
		// A page in place of a file has its own encoding, not the file's.
		found := findEncoding("", page.ResponseHeader.Get("Content-Type"), register.FormatHTML, raw, "")
		return webPage(decodeBytes(found, raw))
	case format == register.FormatXML && isMarkup(start), format == register.FormatJSON && isJSON:
		return ""
	case isXML:
		return "an XML document"
	case isMarkup(start):
		return "markup (" + snippet(start) + ")"
	case isJSON:
		return jsonThing(start)
	case format == register.FormatCSV || format == register.FormatText:
		return refusalInText(start)
	}
	return "plain text (" + snippet(start) + ")"
}

func formatWords(format string) string {
	switch format {
	case register.FormatCSV:
		return "a CSV file"
	case register.FormatHTML:
		return "a web page"
	case register.FormatJSON:
		return "JSON"
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
		{"%PDF-", "a PDF file"}, {"PK\x03\x04", "a ZIP or XLSX file"}, {"PK\x05\x06", "an empty ZIP file"}, {"\x1f\x8b", "a gzip file"},
		{"\xd0\xcf\x11\xe0", "an old Office file"}, {"\x89PNG", "a picture"}, {"\xff\xd8\xff", "a picture"}, {"GIF8", "a picture"},
		{"{\\rtf", "an RTF file"}, {"7z\xbc\xaf", "a 7z file"}, {"Rar!", "a RAR file"}, {"\x7fELF", "a program"}, {"\x28\xb5\x2f\xfd", "a zstd file"},
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

func jsonThing(start string) string {
	if errorKey.MatchString(start) {
		return "an error in JSON (" + snippet(start) + ")"
	}
	return "JSON (" + snippet(start) + ")"
}

// webPage names a page by its title, and says what that title sounds like.
func webPage(text string) string {
	title := titleOf(text)
	kind := refusal(title)
	switch {
	case title == "":
		return "a web page without a title"
	case kind != "":
		return fmt.Sprintf("%s (a web page titled %q)", kind, title)
	}
	return fmt.Sprintf("a web page titled %q", title)
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
	kind    string
	phrases []string
}{
	{"a captcha", []string{"captcha", "are you a robot", "you are human", "just a moment", "attention required", "security check"}},
	{"a maintenance page", []string{"maintenance", "temporarily unavailable", "service unavailable", "under construction", "odstávka", "wartung"}},
	{"a refusal", []string{"request rejected", "access denied", "forbidden", "too many requests", "unauthorized", "you have been blocked"}},
	{"an error page", []string{"not found", "internal server error", "bad gateway", "gateway timeout", "gateway time-out", "error 404", "error 500"}},
	{"a login page", []string{"log in", "login", "sign in", "přihlášení", "anmeldung"}},
}

// refusal says what a title sounds like; "" for nothing known.
func refusal(title string) string {
	title = strings.ToLower(title)
	for _, excuse := range excuses {
		for _, phrase := range excuse.phrases {
			if strings.Contains(title, phrase) {
				return excuse.kind
			}
		}
	}
	return ""
}

// refusalInText names a refusal in plain text: a line or two that begin with
// words no list begins with. A short list of real names must never look so.
func refusalInText(start string) string {
	const mostLines = 5
	if len(start) > 1024 || strings.Count(start, "\n") >= mostLines {
		return ""
	}
	first, _, _ := strings.Cut(strings.ToLower(start), "\n")
	for _, phrase := range []string{
		"request rejected", "access denied", "too many requests", "service unavailable", "service temporarily unavailable",
		"internal server error", "bad gateway", "gateway timeout", "404 not found", "403 forbidden", "503 service", "502 bad", "429 too",
	} {
		if strings.HasPrefix(first, phrase) || strings.HasPrefix(first, "error: "+phrase) {
			return "a refusal (" + snippet(start) + ")"
		}
	}
	return ""
}

// excuseOf says what a page that is of the right format and holds no rows is
// instead; "" where it does not say.
func excuseOf(format, head string) string {
	start := strings.TrimSpace(head)
	switch {
	case format == register.FormatHTML && refusal(titleOf(head)) != "":
		return webPage(head)
	case format == register.FormatJSON && errorKey.MatchString(start):
		return jsonThing(start)
	}
	return ""
}
