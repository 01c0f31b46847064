package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// What outside failures taught of whole pages, one test each. What they taught of
// differences is in differ/taught_test.go, of time in schedules/taught_test.go.

// listed makes a bench whose register has the entries 1 to 9.
func listed(t *testing.T) *bench {
	b := newBench(t)
	b.publish(list(1, 10, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	return b
}

// expectNothing publishes a page and expects runs that neither believe nor forget
// anything.
func (b *bench) expectNothing(class string, page http.Handler) {
	b.Helper()
	b.site.Publish("/list.csv", page)
	for range 3 {
		run, changes := b.run()
		if run.Proof.Complete() || len(changes) > 0 || run.Waiting > 0 || run.Entries != 9 || run.Outcome == register.OutcomeFailed && run.Class != class {
			b.Fatalf("%s %s, %d changes, %d waiting, %d entries: %s", run.Outcome, run.Class, len(changes), run.Waiting, run.Entries, run.Reason)
		}
	}
}

func wholeList() string { return "id,name\n" + strings.Join(list(1, 10, "firm"), "\n") + "\n" }

func TestTaughtTruncatedCSVMidLine(t *testing.T) {
	whole := wholeList()
	listed(t).expectNothing("", csvPage(whole[:len(whole)-20]))
}

func TestTaughtXMLCutBeforeItsEnd(t *testing.T) {
	b := newBench(t)
	inFormat(register.FormatXML, "/list.csv", "list/entry", "id", "name")(b)
	var body strings.Builder
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&body, "<entry><id>%d</id><name>firm %d</name></entry>", i, i)
	}
	b.site.Publish("/list.csv", testsite.Plain("text/xml", []byte("<list>"+body.String()+"</list>")))
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.expectNothing(register.ClassUnreadable, testsite.Plain("text/xml", []byte("<list>"+body.String()[:200])))
}

func TestTaughtAnotherPageWithStatus200(t *testing.T) {
	for class, body := range map[string]string{
		register.ClassCaptcha:     "<html><title>Just a moment...</title></html>",
		register.ClassMaintenance: "<html><title>Scheduled maintenance</title></html>",
		register.ClassWebPage:     "<!doctype html><title>Ministry</title><p>Welcome",
		register.ClassErrorPage:   `{"error": "gone"}`,
		register.ClassRejected:    "Request Rejected. Your support ID is 1",
	} {
		listed(t).expectNothing(class, testsite.Plain("text/csv", []byte(body)))
	}
}

func TestTaughtEmptyFile(t *testing.T) {
	listed(t).expectNothing(register.ClassEmpty, csvPage(""))
}

// pages publishes a register of three JSON pages.
func (b *bench) pages(pages ...string) {
	b.site.Publish("/list.csv", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := "[]"
		var n int
		if _, err := fmt.Sscan(r.URL.Query().Get("page"), &n); err == nil && n <= len(pages) {
			body = pages[n-1]
		}
		testsite.Plain("application/json", []byte(body)).ServeHTTP(w, r)
	}))
}

func paged(t *testing.T) *bench {
	b := newBench(t)
	inFormat(register.FormatJSON, "/list.csv", ".[]", ".id", ".name")(b)
	b.def.Fetch.Pages = &register.Paging{Param: "page", From: 1, Max: 20}
	b.pages(jsonPage(1, 4), jsonPage(4, 7), jsonPage(7, 10))
	b.expect(register.OutcomeBaseline, register.Counts{})
	return b
}

func jsonPage(from, to int) string {
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, fmt.Sprintf(`{"id":"%d","name":"firm %d"}`, i, i))
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// emptyFor publishes the three pages, of which the second is empty for so many
// requests.
func (b *bench) emptyFor(requests int) {
	b.site.Publish("/list.csv", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := map[string]string{"1": jsonPage(1, 4), "2": jsonPage(4, 7), "3": jsonPage(7, 10)}[r.URL.Query().Get("page")]
		if r.URL.Query().Get("page") == "2" && requests > 0 {
			requests--
			ok = false
		}
		if !ok {
			body = "[]"
		}
		testsite.Plain("application/json", []byte(body)).ServeHTTP(w, r)
	}))
}

// Asking for it once more is enough: the crawl goes on where it was.
func TestTaughtPageKEmptyOnce(t *testing.T) {
	b := paged(t)
	b.emptyFor(1)
	run := b.expect(register.OutcomeUnchanged, register.Counts{})
	if !run.Proof.Complete() || len(run.Pages) != 3 || run.Pages[0].CrawledAgain != "" || run.Waiting > 0 {
		t.Errorf("%d pages, crawled again %q\n%s", len(run.Pages), run.Pages[0].CrawledAgain, proofText(run.Proof))
	}
}

// Empty twice looks like the end; the page behind it shows that it is none, and
// the second crawl finds all pages.
func TestTaughtPageKEmptyTwice(t *testing.T) {
	b := paged(t)
	b.emptyFor(2)
	run := b.expect(register.OutcomeUnchanged, register.Counts{})
	if !run.Proof.Complete() || len(run.Pages) != 3 || !strings.Contains(run.Pages[0].CrawledAgain, "page 2 holds no rows of its own, and page 3 does") {
		t.Errorf("%d pages, crawled again %q\n%s", len(run.Pages), run.Pages[0].CrawledAgain, proofText(run.Proof))
	}
}

// Empty for good: no crawl is whole, and the proof says which line is lacking.
func TestTaughtPageKEmptyAlways(t *testing.T) {
	b := paged(t)
	b.emptyFor(1000)
	for range 3 {
		run, changes := b.run()
		lacking := run.Proof.Lacking()
		if lacking == nil || lacking.Name != register.CheckPages || lacking.Class != register.ClassDrift ||
			!strings.Contains(lacking.Detail, "page 2 holds no rows of its own, and page 3 does (the second time too)") {
			t.Errorf("%+v", lacking)
		}
		if !run.Partial || len(changes) > 0 || run.Waiting > 0 || run.Entries != 9 {
			t.Errorf("%s, %d changes, %d waiting, %d entries", run.Outcome, len(changes), run.Waiting, run.Entries)
		}
	}
}

func TestTaughtANewEntryShiftsPagesMidCrawl(t *testing.T) {
	b := paged(t)
	asked := 0
	b.site.Publish("/list.csv", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		pages := map[string]string{"1": jsonPage(1, 4), "2": jsonPage(4, 7), "3": jsonPage(7, 10)}
		if asked > 1 { // from the second request on a new entry stands first
			pages = map[string]string{"1": `[{"id":"0","name":"new"},` + jsonPage(1, 3)[1:], "2": jsonPage(3, 6), "3": jsonPage(6, 9), "4": jsonPage(9, 10)}
		}
		body, ok := pages[r.URL.Query().Get("page")]
		if !ok {
			body = "[]"
		}
		testsite.Plain("application/json", []byte(body)).ServeHTTP(w, r)
	}))
	run := b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	if run.Pages[0].CrawledAgain == "" || run.Waiting > 0 {
		t.Errorf("crawled again %q, %d waiting", run.Pages[0].CrawledAgain, run.Waiting)
	}
}

func TestTaughtPagesRepeated(t *testing.T) {
	b := paged(t)
	b.pages(jsonPage(1, 4), jsonPage(4, 7), jsonPage(7, 10), jsonPage(1, 4), jsonPage(4, 7), jsonPage(7, 10))
	if run, changes := b.run(); len(changes) > 0 || run.Waiting > 0 || run.Entries != 9 || len(run.Pages) != 3 || !run.Proof.Complete() {
		t.Errorf("%s, %d changes, %d waiting, %d entries, %d pages\n%s", run.Outcome, len(changes), run.Waiting, run.Entries, len(run.Pages), proofText(run.Proof))
	}
}

func TestTaughtHeaderRenamedColumnDroppedOrAdded(t *testing.T) {
	b := listed(t)
	b.expectNothing(register.ClassShape, csvPage(strings.Replace(wholeList(), "id,name", "id,title", 1)))
	b = listed(t)
	b.def.Fields[1].From = append(b.def.Fields[1].From, register.Source{Name: "title"})
	b.publish(list(1, 10, "firm")...)
	b.expect(register.OutcomeUnchanged, register.Counts{}) // the definition changed: read anew, told once
	b.site.Publish("/list.csv", csvPage(strings.Replace(wholeList(), "id,name", "id,title", 1)))
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates(register.StateUpgraded, register.StateSchemaChanged)
}

func TestTaughtSourceSilentForFourteenDays(t *testing.T) {
	b := listed(t)
	b.def.Expect.FreshWithin = time.Nanosecond // fourteen days, in the time of a test
	for range 3 {
		b.expect(register.OutcomeUnchanged, register.Counts{})
	}
	b.expectStates(register.StateFrozen)
}

func TestTaughtDecorationsAreStripped(t *testing.T) {
	b := newBench(t)
	b.def.Fields[1].Strip = `\s*\((new|updated)\)$`
	b.publish(list(1, 10, "firm")...)
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.site.Publish("/list.csv", csvPage(strings.ReplaceAll(wholeList(), "3\n", "3 (new)\n")))
	b.expect(register.OutcomeUnchanged, register.Counts{})
}

func TestTaughtSeveralDomainsInOneCellReordered(t *testing.T) {
	b := newBench(t)
	b.def.Fields[1].Type, b.def.Fields[1].Sep = register.TypeList, "|"
	b.publish("1,a.example|b.example", "2,c.example")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish("1,b.example | a.example", "2,c.example")
	b.expect(register.OutcomeUnchanged, register.Counts{})
}

func TestTaughtWindows1250ServedAsUTF8(t *testing.T) {
	b := newBench(t)
	rows := list(1, 60, "Společnost Žluťoučký kůň")
	b.site.Publish("/list.csv", testsite.Plain("text/csv; charset=utf-8", []byte("id,name\n"+strings.Join(rows, "\n")+"\n")))
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.site.Publish("/list.csv", testsite.Plain("text/csv; charset=utf-8", windows1250("id,name\n"+strings.Join(rows, "\n")+"\n")))
	if run := b.expect(register.OutcomeFailed, register.Counts{}); run.Class != register.ClassUndecodable {
		t.Errorf("failed as %s: %s", run.Class, run.Reason)
	}
}

// windows1250 encodes the Czech letters of the tests.
func windows1250(s string) []byte {
	letters := map[rune]byte{'č': 0xe8, 'Ž': 0x8e, 'ť': 0x9d, 'ý': 0xfd, 'ů': 0xf9, 'ň': 0xf2, 'ž': 0x9e, 'l': 'l', 'u': 'u', 'ě': 0xec}
	var b []byte
	for _, r := range s {
		if c, ok := letters[r]; ok {
			b = append(b, c)
		} else {
			b = append(b, byte(r))
		}
	}
	return b
}

func TestTaughtIDNAndPunycodeAreOneDomain(t *testing.T) {
	b := newBench(t)
	b.def.Fields[0].Type = register.TypeDomain
	b.publish("kůň.example,a", "b.example,b")
	b.expect(register.OutcomeBaseline, register.Counts{})
	b.publish("xn--k-qla0j.example,a", "B.example.,b")
	if run, _ := b.run(); run.Counts != (register.Counts{}) || run.Waiting != 0 {
		t.Errorf("%s %+v, %d waiting; head %v", run.Outcome, run.Counts, run.Waiting, b.head())
	}
}

func TestTaughtU200BChurn(t *testing.T) {
	b := listed(t)
	b.site.Publish("/list.csv", csvPage(strings.ReplaceAll(wholeList(), "firm ", "fi\u200brm ")))
	b.expect(register.OutcomeUnchanged, register.Counts{})
}

// Another date of the file, and other bytes with the same entries, are no news.
func TestTaughtOnlyTheFilesDateChanged(t *testing.T) {
	b := listed(t)
	for day := range 3 {
		b.site.Publish("/list.csv", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Last-Modified", time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(http.TimeFormat))
			w.Header().Set("Content-Type", "text/csv")
			_, _ = io.WriteString(w, wholeList()) // a reader that went away is none of the test's
		}))
		if run := b.expect(register.OutcomeUnchanged, register.Counts{}); run.PublishedAt == nil || run.PublishedAt.Day() != 1+day {
			t.Errorf("published at %v", run.PublishedAt)
		}
	}
	b.site.Publish("/list.csv", csvPage(wholeList()+"\n"))
	b.expect(register.OutcomeUnchanged, register.Counts{})
	b.expectStates()
}

// earlierRelease commits as a release did whose parser had another number.
type earlierRelease struct{ pipeline.Commits }

func (r earlierRelease) Commit(ctx context.Context, c register.Commit) (register.Run, []register.Change, error) {
	c.Run.Fingerprint = "of an earlier parser"
	return r.Commits.Commit(ctx, c)
}

// A release that reads the same bytes differently says so by its number: it reads
// the archived page anew, tells the operator once, and announces what the register
// changed, and nothing else.
func TestTaughtParserUpgraded(t *testing.T) {
	b := newBench(t)
	now, later := b.Commits, b.def.Fields[1]
	b.Commits = earlierRelease{now}
	decorated := strings.ReplaceAll(wholeList(), "\n", " *\n")
	decorated = strings.Replace(decorated, "name *", "name", 1)
	b.site.Publish("/list.csv", csvPage(decorated))
	b.expect(register.OutcomeBaseline, register.Counts{})

	later.Strip = ` \*$` // as the new parser does by itself
	b.def.Fields = append(append([]register.Field{}, b.def.Fields[0], later), b.def.Fields[2:]...)
	b.Commits = now
	b.site.Publish("/list.csv", csvPage(decorated+"10,firm 10 *\n"))
	b.expect(register.OutcomeChanged, register.Counts{Added: 1})
	b.expect(register.OutcomeUnchanged, register.Counts{})
	signals := b.signals()
	if len(signals) != 1 || signals[0].State != register.StateUpgraded || signals[0].Counts["changed"] != 9 {
		t.Errorf("signals %+v", signals)
	}
	if head := b.head(); len(head) != 10 || strings.Contains(strings.Join(head, " "), "*") {
		t.Errorf("the head is %v", head)
	}
}
