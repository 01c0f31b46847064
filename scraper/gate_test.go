package scraper

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
)

func closed(p *register.Page) { p.Framing = register.FramedByClose; p.Status = http.StatusOK }
func cutOff(p *register.Page) { p.Framing = register.FramedCut; p.Status = http.StatusOK }

func definition(format string, sources ...string) register.Definition {
	def := register.Definition{Parse: register.Parse{Format: format}}
	for i, source := range sources {
		def.Fields = append(def.Fields, register.Field{Name: fmt.Sprintf("field%d", i), From: from(source)})
	}
	def.Key = []string{"field0"}
	return def
}

func TestGate(t *testing.T) {
	csv := definition(register.FormatCSV, "name", "web")
	text := definition(register.FormatText, "line")
	json := definition(register.FormatJSON, ".name")
	json.Parse.Rows = ".data[]"
	ndjson := definition(register.FormatNDJSON, ".name")
	xml := definition(register.FormatXML, "name")
	html := definition(register.FormatHTML, "td")
	html2 := definition(register.FormatHTML, "Název")
	html2.Parse.Rows = "tr"
	with := func(def register.Definition, change func(*register.Definition)) register.Definition {
		change(&def)
		return def
	}
	expect := func(low, high int) func(*register.Definition) {
		return func(d *register.Definition) { d.Expect.Entries = register.Bounds{Min: &low, Max: &high} }
	}
	sentinel := with(csv, func(d *register.Definition) { d.Expect.Sentinel = "# end" })
	total := with(json, func(d *register.Definition) { d.Expect.Total = ".total" })
	const table = "<html><table><tr><td>A<tr><td>B</table></html>"

	for _, c := range []struct {
		name    string
		def     register.Definition
		change  func(*register.Page)
		health  register.Health
		bodies  []string
		verdict string // beginning of it
		entries int
	}{
		{"a saved file", csv, nil, register.Health{}, []string{"name,web\nA,a\nB,b\n"}, "complete", 2},

		{"CSV until the connection closed", csv, closed, register.Health{}, []string{"name,web\nA,a\nB,b\n"}, "partial framed body: the connection was closed", 2},
		{"and a second fetch brought the same", csv, func(p *register.Page) { closed(p); p.Framing = register.FramedTwice }, register.Health{}, []string{"name,web\nA,a\nB,b\n"}, "complete", 2},
		{"and in the middle of a row", csv, closed, register.Health{}, []string{"name,web\nA,a\nB,b"}, "partial framed body", 1},
		{"a declared end", sentinel, closed, register.Health{}, []string{"name,web\nA,a\nB,b\n# end,\n"}, "complete", 3},
		{"a declared end that is not there", sentinel, nil, register.Health{}, []string{"name,web\nA,a\n"}, "partial framed body: its end does not hold \"# end\"", 1},
		{"HTML until the connection closed", html, closed, register.Health{}, []string{table}, "complete", 2},
		{"HTML without its end", html, closed, register.Health{}, []string{"<table><tr><td>A<tr><td>Bee"}, "partial framed body", 1},
		{"JSON until the connection closed", json, closed, register.Health{}, []string{`{"data":[{"name":"A"}]}`}, "complete", 1},
		{"lines of JSON", ndjson, nil, register.Health{}, []string{"{\"name\":\"A\"}\n{\"name\":\"B\"}\n"}, "complete", 2},
		{"lines of JSON until the connection closed", ndjson, closed, register.Health{}, []string{"{\"name\":\"A\"}\n"}, "partial framed body", 1},
		{"cut lines of JSON", ndjson, nil, register.Health{}, []string{"{\"name\":\"A\"}\n{\"na"}, "partial last row whole: the last row (line 2) is not whole", 1},
		{"a broken line of JSON", ndjson, nil, register.Health{}, []string{"{\"name\":\"A\"}\n{\"na\n{\"name\":\"C\"}\n"}, "failed same shape, unreadable: line 2: not JSON", 0},
		{"an error in place of lines of JSON", ndjson, nil, register.Health{}, []string{"{\"error\":\"quota\"}\n"}, "failed right thing, error_page: an error in JSON", 0},
		{"a web page for lines of JSON", ndjson, nil, register.Health{}, []string{"<!DOCTYPE html><html><title>Hi</title>"}, "failed right thing, web_page: a web page titled \"Hi\" came where lines of JSON was expected", 0},
		{"XML until the connection closed", xml, closed, register.Health{}, []string{`<r><e><name>A</name></e></r>`}, "complete", 1},
		{"cut CSV", csv, cutOff, register.Health{}, []string{"name,web\nA,a\nB"}, "partial framed body: the body was cut off", 1},
		{"cut CSV in a quoted cell", csv, cutOff, register.Health{}, []string{"name,web\nA,a\nB,\"b"}, "partial framed body", 1},
		{"cut HTML", html, cutOff, register.Health{}, []string{table[:len(table)-20]}, "partial framed body", 1},
		{"cut JSON", json, cutOff, register.Health{}, []string{`{"data":[{"name":"A"},`}, "failed same shape, cut: line 1: not JSON", 0},
		{"cut XML", xml, cutOff, register.Health{}, []string{`<r><e><name>A</name></e><e>`}, "failed same shape, cut: line 1: not XML", 0},

		{"over the cap", with(csv, func(d *register.Definition) { d.Fetch.MaxBytes = 10 }), nil, register.Health{}, []string{"name,web\nA,a\n"}, "failed under the cap, too_large: 13 bytes", 0},

		{"a server error", csv, func(p *register.Page) { p.Status = 503 }, register.Health{}, []string{"name,web\nA,a\n"}, "failed right thing, status: the server answered 503 Service Unavailable", 0},
		{"zero bytes", csv, nil, register.Health{}, []string{""}, "failed right thing, empty: the body is empty: zero bytes", 0},
		{"white space", text, nil, register.Health{}, []string{" \r\n\ufeff"}, "failed right thing, empty: the body holds nothing", 0},
		{"a web page for CSV", csv, nil, register.Health{}, []string{"\n<!DOCTYPE html><html><title>Welcome &amp; more</title>"}, `failed right thing, web_page: a web page titled "Welcome & more" came where a CSV file was expected`, 0},
		{"a login page for JSON", json, nil, register.Health{}, []string{"<html><head><title>Sign in</title>"}, `failed right thing, login: a login page (a web page titled "Sign in") came where JSON was expected`, 0},
		{"a captcha for XML", xml, nil, register.Health{}, []string{"<html><title>Just a moment...</title>"}, "failed right thing, captcha: a captcha (", 0},
		{"a captcha for HTML", html, nil, register.Health{}, []string{"<html><title>Captcha</title><p>Are you?</html>"}, "failed right thing, captcha: a captcha (", 0},
		{"maintenance for text", text, nil, register.Health{}, []string{"Service unavailable. Try later."}, "failed right thing, maintenance: a refusal (Service unavailable. Try later.) came where a list in plain text", 0},
		{"request rejected for CSV", csv, nil, register.Health{}, []string{"Request Rejected. Your support ID is 1"}, "failed right thing, rejected: a refusal (", 0},
		{"a short list with such words in it", text, nil, register.Health{}, []string{"login.example\ncaptcha.example\nMaintenance Ltd\n<A\n"}, "complete", 4},
		{"a list that begins like a tag", text, nil, register.Health{}, []string{"<A\nforbidden.example\n"}, "complete", 2},
		{"a list that begins with a bracket", text, nil, register.Health{}, []string{"[1] A\n[2] B\n"}, "complete", 2},
		{"JSON whose first element is null", with(json, func(d *register.Definition) { d.Parse.Rows = ".[] | select(.)" }), nil, register.Health{}, []string{`[null, {"name":"A"}]`}, "complete", 1},
		{"JSON for text, cut where its head ends", text, nil, register.Health{}, []string{`[{"name":"A"},` + strings.Repeat(" ", headSize) + `{"name":"B"}]`}, "failed right thing, wrong_thing: JSON", 0},
		{"a JSON error for CSV", csv, nil, register.Health{}, []string{`{"error": "gone"}`}, "failed right thing, error_page: an error in JSON (", 0},
		{"a JSON error for JSON", json, nil, register.Health{}, []string{`{"message":"limit","data":[]}`}, "failed right thing, error_page: an error in JSON (", 0},
		{"a PDF for CSV", csv, nil, register.Health{}, []string{"%PDF-1.7\n"}, "failed right thing, wrong_thing: a PDF file came", 0},
		{"a ZIP for JSON", json, nil, register.Health{}, []string{"PK\x03\x04.."}, "failed right thing, wrong_thing: a ZIP or XLSX file came", 0},
		{"plain text for HTML", html, nil, register.Health{}, []string{"name,web\n"}, "failed right thing, wrong_thing: plain text (name,web) came where a web page", 0},
		{"XML for HTML", html, nil, register.Health{}, []string{"<?xml version='1.0'?><rss/>"}, "failed right thing, wrong_thing: an XML document came", 0},
		{"CSV that the server calls HTML", csv, func(p *register.Page) { p.ResponseHeader = http.Header{"Content-Type": {"text/html"}} }, register.Health{}, []string{"name,web\nA,a\n"}, "complete", 1},

		{"another encoding", with(csv, func(d *register.Definition) { d.Fetch.Encoding = "utf-8" }), nil, register.Health{}, []string{"name,web\nP\xf8\xedli\xb9,\xbe\n"}, "failed decodes, undecodable: 4 of ", 0},
		{"a few U+FFFD", text, nil, register.Health{}, []string{"a\ufffd\n" + strings.Repeat("bbbbbbbbbb\n", 100)}, "complete", 2},
		{"more than there may be", text, nil, register.Health{}, []string{"a\ufffd\n" + strings.Repeat("b\n", 100)}, "failed decodes, undecodable", 0},
		{"but not more than there were", text, nil, register.Health{Known: true, EndsWithNewline: true, RepairRate: 0.003}, []string{"a\ufffd\n" + strings.Repeat("b\n", 100)}, "complete", 2},
		{"UTF-8 where the definition says otherwise", with(csv, func(d *register.Definition) { d.Fetch.Encoding = "windows-1250" }), nil, register.Health{}, []string{"name,web\nPříliš,žluťoučký\n"}, "failed decodes, undecodable: fetch.encoding says windows-1250, but the bytes are utf-8", 0},

		{"a damaged name in JSON", json, nil, register.Health{}, []string{`{"data":[{"name":"A\ud800"},{"name":"\u0000B"},{"name":"C"}]}`}, "complete", 3},
		{"a list that says in HTML that it is away", text, func(p *register.Page) { p.ResponseHeader = http.Header{"Content-Type": {"text/html"}} }, register.Health{}, []string{"We are <b>away</b> <a href=/>home</a>"}, "failed right thing, web_page: a web page without a title", 0},
		{"a login page by its form", csv, nil, register.Health{}, []string{"<html><title>Registers</title><form><input name=p type=password></form></html>"}, "failed right thing, login: a login page (a web page titled \"Registers\")", 0},
		{"a captcha by its script", json, nil, register.Health{}, []string{"<html><title>Registers</title><div class='g-recaptcha'></div></html>"}, "failed right thing, captcha: a captcha (", 0},
		{"a firewall by its title", csv, nil, register.Health{}, []string{"<html><title>Request Rejected</title><p>Go away</html>"}, "failed right thing, rejected: a refusal (a web page titled \"Request Rejected\")", 0},
		{"maintenance by its title", csv, nil, register.Health{}, []string{"<html><title>Plánovaná odstávka</title></html>"}, "failed right thing, maintenance: a maintenance page (", 0},
		{"an error by its title", csv, nil, register.Health{}, []string{"<html><title>502 Bad Gateway</title></html>"}, "failed right thing, error_page: an error page (", 0},
		{"a firewall by its words", csv, nil, register.Health{}, []string{"<html><head><title></title></head><body>The requested URL was rejected. Your support ID is: 123</body></html>"}, "failed right thing, rejected: a refusal (a web page without a title)", 0},
		{"an error page with something like a row", html, nil, register.Health{Known: true, Entries: 10}, []string{"<html><title>Page not found</title><table><tr><td>Home</table></html>"}, "failed right thing, error_page: an error page (", 0},
		{"a register whose name is like an error", html, nil, register.Health{Known: true, Entries: 2}, []string{"<html><title>Goods not found on the market</title><table><tr><td>A<tr><td>B</table></html>"}, "complete", 2},
		{"other columns in another language", html2, nil, register.Health{Known: true, Shape: register.Shape{Language: "cs"}}, []string{"<html lang='en-GB'><table><tr><th>Name</th></tr><tr><td>A</table></html>"}, "failed same shape, other_language: a declared column is not there: \"Název\" (field0); unknown columns are there: \"Name\"; the page is in the language en, and was in cs the last time", 0},
		{"CSV until the connection closed, twice, in the middle of a row", csv, func(p *register.Page) { p.Framing = register.FramedTwice; p.Status = http.StatusOK }, register.Health{}, []string{"name,web\nA,a\nB,b"}, "partial last row whole: the last row (line 3)", 1},
		{"pages that moved", json, func(p *register.Page) { p.Drift = "the first page held other rows" }, register.Health{}, []string{`{"data":[{"name":"A"}]}`}, "partial all pages: the pages moved while they were read: the first page held other rows", 1},
		{"a page twice, with a clock", json, nil, register.Health{}, []string{`{"at":1,"data":[{"name":"A"}]}`, `{"at":2,"data":[{"name":"A"}]}`}, "partial all pages: page 2 of 2 (https://example.org/2): it is page 1 once more", 1},

		{"a renamed column", csv, nil, register.Health{}, []string{"name,site\nA,a\n"}, `failed same shape, schema_changed: a declared column is not there: "web" (field1); unknown columns are there: "site"`, 0},
		{"a new column", csv, nil, register.Health{}, []string{"name,new,web\nA,x,a\n"}, "complete", 1},
		{"broken CSV", csv, nil, register.Health{}, []string{"name,web\nA,\"a\"b\nC,c\n"}, "failed same shape, unreadable: line 2: not CSV", 0},
		{"nested too deep", html, nil, register.Health{}, []string{strings.Repeat("<div>", 600)}, "failed same shape, unreadable: not HTML that we read", 0},

		{"a last row with too few cells", csv, nil, register.Health{}, []string{"name,web\nA,a\nB"}, "partial last row whole: the last row (line 3) is not whole", 1},
		{"no line end, the first time", text, nil, register.Health{}, []string{"a\nb"}, "complete", 2},
		{"no line end, as ever", text, nil, register.Health{Known: true}, []string{"a\nb"}, "complete", 2},
		{"a line end, as never", text, nil, register.Health{Known: true}, []string{"a\nb\n"}, "complete", 2},
		{"no line end, for once", text, nil, register.Health{Known: true, EndsWithNewline: true}, []string{"a\nb"}, "partial last row whole: the last row (line 2)", 1},

		{"a page twice", json, nil, register.Health{}, []string{`{"data":[{"name":"A"}]}`, `{"data":[{"name":"A"}]}`}, "partial all pages: page 2 of 2 (https://example.org/2): it is page 1 once more", 1},
		{"a page without rows", json, nil, register.Health{}, []string{`{"data":[{"name":"A"}]}`, `{"data":[]}`, `{"data":[{"name":"B"}]}`}, "partial all pages: page 2 of 3", 2},
		{"the empty page that ends a count", with(json, func(d *register.Definition) { d.Fetch.Pages = &register.Paging{Param: "page"} }), nil, register.Health{}, []string{`{"data":[{"name":"A"}]}`, `{"data":[]}`}, "complete", 1},
		{"a second page that is something else", json, nil, register.Health{}, []string{`{"data":[{"name":"A"}]}`, "<html><title>Oops</title>"}, "failed right thing, web_page: page 2 of 2 (https://example.org/2): a web page titled \"Oops\"", 0},

		{"no entries", json, nil, register.Health{}, []string{`{"data":[]}`}, "failed count, empty: there is not a single entry", 0},
		{"no entries in another language", html, nil, register.Health{Known: true, Shape: register.Shape{Language: "cs"}}, []string{"<html lang=en><p>Nothing here</html>"}, "failed count, other_language: there is not a single entry; the page is in the language en, and was in cs the last time", 0},
		{"blank rows only", csv, nil, register.Health{}, []string{"name,web\n,\n, \n"}, "failed count, empty: there is not a single entry, and 2 rows in which", 0},
		{"no entries, as may be", with(json, expect(0, 5)), nil, register.Health{}, []string{`{"data":[]}`}, "complete", 0},
		{"too few", with(csv, expect(3, 5)), nil, register.Health{}, []string{"name,web\nA,a\nB,b\n"}, "partial count: 2 entries are fewer than the 3", 2},
		{"too many", with(csv, expect(0, 1)), nil, register.Health{}, []string{"name,web\nA,a\nB,b\n"}, "partial count: 2 entries are more than the 1", 2},
		{"the declared total", total, nil, register.Health{}, []string{`{"total":2,"data":[{"name":"A"},{"name":"B"}]}`}, "complete", 2},
		{"another total", total, nil, register.Health{}, []string{`{"total":"3 rows","data":[{"name":"A"},{"name":"B"}]}`}, "partial count: the register says that it holds 3 rows, but 2", 2},
		{"a total that moves", total, nil, register.Health{}, []string{`{"total":2,"data":[{"name":"A"}]}`, `{"total":3,"data":[{"name":"B"}]}`}, "partial count: the declared total changed from 2 to 3", 2},
		{"no total", total, nil, register.Health{}, []string{`{"data":[{"name":"A"}]}`}, "partial count: no total was found", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var bodies [][]byte
			for _, body := range c.bodies {
				bodies = append(bodies, []byte(body))
			}
			s, proof := readBodies(t, c.def, c.health, c.change, bodies...)
			if got := verdict(proof); !strings.HasPrefix(got, c.verdict) {
				t.Errorf("%s\nwant %s", got, c.verdict)
			}
			if len(s.Entries) != c.entries {
				t.Errorf("%d entries, want %d: %v", len(s.Entries), c.entries, s.Entries)
			}
			checkOrder(t, proof)
		})
	}
}

// checkOrder: a proof has every line in its order, up to the first that fails.
func checkOrder(t *testing.T, p register.Proof) {
	t.Helper()
	want := []string{
		register.CheckFraming, register.CheckCap, register.CheckRightThing, register.CheckDecodes,
		register.CheckShape, register.CheckLastRow, register.CheckPages, register.CheckCount,
	}
	for i, c := range p {
		if c.Name != want[i] || c.Detail == "" || strings.Contains(c.Detail, "%!") {
			t.Errorf("line %d is %+v, want %s with a detail", i, c, want[i])
		}
		if c.Verdict != register.Pass && c.Class == "" {
			t.Errorf("%+v has no class", c)
		}
	}
	if p.Failed() == nil && len(p) != len(want) {
		t.Errorf("%d of %d checks were made", len(p), len(want))
	}
}

// Each thing that keeps pages from being all pages, by itself: another check, or
// another part of this one, would often find the same.
func TestCheckPages(t *testing.T) {
	def := definition(register.FormatJSON, ".name")
	counted := def
	counted.Fetch.Pages = &register.Paging{Param: "page"}
	page := func(n uint64, change ...func(*pageReading)) pageReading {
		p := pageReading{Page: register.Page{URL: fmt.Sprint("https://example.org/", n)}}
		p.filled, p.contents = 2, xxh3.Uint128{Lo: n}
		for _, f := range change {
			f(&p)
		}
		return p
	}
	empty := func(p *pageReading) { p.filled = 0 }
	drift := func(p *pageReading) { p.Drift = "moved" }
	ended := func(p *pageReading) { p.PagingEnded = "stopped" }
	for _, c := range []struct {
		name   string
		def    register.Definition
		pages  []pageReading
		class  string // empty: it passes
		detail string
	}{
		{"one page", def, []pageReading{page(1)}, "", "one page"},
		{"several", def, []pageReading{page(1), page(2)}, "", "2 pages, each with rows of its own"},
		{"they moved", def, []pageReading{page(1), page(2, drift)}, register.ClassDrift, "page 2 of 2 (https://example.org/2): the pages moved while they were read: moved"},
		{"one that moved", def, []pageReading{page(1, drift)}, register.ClassDrift, "the pages moved"},
		{"ended early", def, []pageReading{page(1), page(2, ended)}, register.ClassCut, "page 2 of 2 (https://example.org/2): no page was asked for after it: stopped"},
		{"ended early after one", def, []pageReading{page(1, ended)}, register.ClassCut, "no page was asked for after it"},
		{"an empty page", def, []pageReading{page(1), page(2, empty), page(3)}, register.ClassEmpty, "page 2 of 3 (https://example.org/2): it holds no rows"},
		{"an empty last page", def, []pageReading{page(1), page(2, empty)}, register.ClassEmpty, "page 2 of 2"},
		{"an empty page of a count", counted, []pageReading{page(1), page(2, empty), page(3)}, register.ClassEmpty, "page 2 of 3"},
		{"the empty page that ends a count", counted, []pageReading{page(1), page(2, empty)}, "", "2 pages"},
		{"a page again", def, []pageReading{page(1), page(2), page(1)}, register.ClassDrift, "it is page 1 once more"},
	} {
		check := checkPages(evidence{def: c.def, pages: c.pages})
		if check.Name != register.CheckPages || check.Class != c.class || (check.Verdict == register.Pass) != (c.class == "") || !strings.Contains(check.Detail, c.detail) {
			t.Errorf("%s: %+v, want %q and %q", c.name, check, c.class, c.detail)
		}
	}
}

// Each sign that a text ended inside its last row, by itself: a row that was left
// out, or the frame, would often show the same.
func TestCheckLastRow(t *testing.T) {
	csv, json := definition(register.FormatCSV, "name"), definition(register.FormatJSON, ".name")
	endsSo := register.Health{Known: true, EndsWithNewline: true}
	for _, c := range []struct {
		name    string
		def     register.Definition
		page    pageReading
		framing register.Framing
		health  register.Health
		lacks   string // empty: it passes
	}{
		{"a line end", csv, pageReading{newline: true}, register.FramedByClose, endsSo, ""},
		{"a row left out", csv, pageReading{newline: true, cut: 1, cutLine: 7}, register.FramedLength, register.Health{}, "(line 7)"},
		{"no line end, for once", csv, pageReading{}, register.FramedLength, endsSo, "as it did the last time"},
		{"no line end, as ever", csv, pageReading{}, register.FramedLength, register.Health{Known: true}, ""},
		{"no line end, the first time", csv, pageReading{}, register.FramedLength, register.Health{}, ""},
		{"no line end, and no frame", csv, pageReading{}, register.FramedByClose, register.Health{Known: true}, "nothing else shows"},
		{"no line end needed", json, pageReading{}, register.FramedByClose, endsSo, ""},
	} {
		c.page.Framing, c.page.Status = c.framing, http.StatusOK
		check := checkLastRow(evidence{def: c.def, health: c.health, pages: []pageReading{c.page}})
		if check.Name != register.CheckLastRow || (check.Verdict == register.Pass) != (c.lacks == "") || !strings.Contains(check.Detail, c.lacks) {
			t.Errorf("%s: %+v, want %q", c.name, check, c.lacks)
		}
	}
}

func TestDeclaredTotal(t *testing.T) {
	for text, want := range map[string]int{"1234": 1234, "Total: 1,234 results of 9": 1234, "celkem 1 234": 1234, "1\u202f234": 1234, "3 rows, 4 columns": 3} {
		if got, ok := declaredTotal(text); got != want || !ok {
			t.Errorf("%q holds %d, %v; want %d", text, got, ok, want)
		}
	}
	if got, ok := declaredTotal("none"); ok {
		t.Errorf("a total %d was found where there is none", got)
	}
}

// The rows in which a character is damaged are named: the run says how many, and
// on which lines.
func TestDamagedRowsAreFlagged(t *testing.T) {
	json := definition(register.FormatJSON, ".name")
	s, proof := readBodies(t, json, register.Health{}, nil, []byte(`[{"name":"A\ud800"},{"name":"\u0000B"},{"name":"C"}]`))
	if s.Counts.RepairedRows != 2 || fmt.Sprint(s.Counts.RepairedAt) != "[1 2]" || s.Entries[1].Key != register.NewKey("B") {
		t.Errorf("%+v, %v", s.Counts, s.Entries)
	}
	if decodes := proof[3]; !strings.Contains(decodes.Detail, "in 2 rows (1, 2)") {
		t.Errorf("the check says %q", decodes.Detail)
	}
	text := definition(register.FormatText, "line")
	s, _ = readBodies(t, text, register.Health{RepairRate: 0.5, Known: true}, nil, []byte("A\x00\nB\xc0\xaf\nC\xed\xa0\x80\nплат-bank\nSberbаnk\n"))
	if s.Counts.RepairedRows != 3 || s.Counts.MixedScripts != 1 {
		t.Errorf("%+v", s.Counts)
	}
}
