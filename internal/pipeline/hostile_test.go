package pipeline_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// What a hostile or careless server can send, each as a scenario of
// internal/testsite whose ticks say what must come of them.

// perform runs a scenario through the real pipeline, a run for each tick. Besides
// what the scenario wants, a failed run must touch nothing, say what is wrong
// where, be told once, and leave in the archive what was received.
func perform(t *testing.T, scenario string, change ...func(*bench)) *bench {
	t.Helper()
	script, err := testsite.Scenario(scenario)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	if script.TLS != "" {
		site, err := script.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { site.Close() })
		b.site = site
		b.def.Fetch.URLs = []string{site.URL("/list.csv")}
	}
	b.def.Expect.Confirm = 2
	for _, f := range change {
		f(b)
	}
	for i, tick := range script.Ticks {
		tick.Publish(b.site)
		before, told := b.head(), len(b.signals())
		run, _ := b.run()
		if what := unwanted(run, tick.Want); what != "" {
			t.Fatalf("%s, tick %d (%s): %s\nrun: %s %s %+v partial %v: %s\n%s", scenario, i+1, tick.Want, what,
				run.Outcome, run.Class, run.Counts, run.Partial, run.Reason, proofText(run.Proof))
		}
		b.checkArchived(run)
		if run.Outcome == register.OutcomeFailed {
			b.checkFailed(run, before, told)
		}
	}
	return b
}

var wantWord = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\S+`)

// unwanted says what of a run is not as wanted: words for the outcome, the class
// of a failure or of what is lacking, `partial`, counts (+1 -1 ~1), and in quotes
// what must stand in the reason or the proof.
func unwanted(run register.Run, want string) string {
	counts := register.Counts{}
	partial := false
	text := run.Reason + "\n" + proofText(run.Proof)
	for i, word := range wantWord.FindAllString(want, -1) {
		number, _ := strconv.Atoi(strings.TrimLeft(word, "+-~"))
		switch {
		case word == "partial":
			partial = true
		case i == 0:
			if string(run.Outcome) != word {
				return "the outcome is not " + word
			}
		case word[0] == '"':
			if said, err := strconv.Unquote(word); err != nil || !strings.Contains(text, said) {
				return "nothing says " + word
			}
		case word[0] == '+':
			counts.Added = number
		case word[0] == '-':
			counts.Removed = number
		case word[0] == '~':
			counts.Changed = number
		case run.Class != word && (run.Proof.Lacking() == nil || run.Proof.Lacking().Class != word):
			return "the class is not " + word
		}
	}
	if run.Partial != partial {
		return fmt.Sprintf("partial is %v", run.Partial)
	}
	if run.Counts != counts {
		return fmt.Sprintf("the counts are not %+v", counts)
	}
	return ""
}

func proofText(proof register.Proof) string {
	var lines []string
	for _, c := range proof {
		lines = append(lines, fmt.Sprintf("  %s %s %s: %s", c.Verdict, c.Name, c.Class, c.Detail))
	}
	return strings.Join(lines, "\n")
}

// checkFailed: the head is as it was, and the operator is told once per kind.
func (b *bench) checkFailed(run register.Run, before []string, told int) {
	b.Helper()
	if after := b.head(); !slices.Equal(after, before) {
		b.Errorf("the head was %q and is %q", before, after)
	}
	url := b.def.Fetch.URLs[0]
	if !strings.Contains(run.Reason, strings.TrimPrefix(url[:strings.LastIndexByte(url, '/')], "http")) {
		b.Errorf("the reason does not say where: %s", run.Reason)
	}
	if check := run.Proof.Failed(); check != nil && !strings.Contains(run.Reason, check.Name) {
		b.Errorf("the reason does not name the proof %q: %s", check.Name, run.Reason)
	}
	if check := run.Proof.Failed(); check != nil && !strings.HasSuffix(run.Reason, ")") {
		b.Errorf("the reason does not say what to do: %s", run.Reason)
	}
	signals := b.signals()[told:]
	if len(signals) > 2 {
		b.Errorf("the operator was told %d things", len(signals))
	}
	for _, s := range signals {
		if s.Register != b.def.ID || s.Reason == "" || s.Next == "" {
			b.Errorf("told: %+v", s)
		}
	}
}

// checkArchived: every body that a run names can be opened again.
func (b *bench) checkArchived(run register.Run) {
	b.Helper()
	for _, page := range run.Pages {
		if page.SHA256 == "" {
			continue
		}
		body, err := b.archive.Open(page.SHA256)
		if err != nil {
			b.Errorf("%s is not in the archive: %v", page.URL, err)
			continue
		}
		n, err := io.Copy(io.Discard, body)
		body.Close()
		if err != nil || n != page.Bytes && page.Status != 304 {
			b.Errorf("%s: %d bytes in the archive, %v; want %d", page.URL, n, err, page.Bytes)
		}
	}
}

func within(timeout time.Duration, limit int64) func(*bench) {
	return func(b *bench) { b.def.Fetch.Timeout, b.def.Fetch.MaxBytes = patient(timeout), limit }
}

// inFormat makes the definition one of another format, at another path.
func inFormat(name, path, rows string, sources ...string) func(*bench) {
	return func(b *bench) {
		b.def.Fetch.URLs = []string{b.site.URL(path)}
		b.def.Parse = register.Parse{Format: name, Rows: rows}
		b.def.Fields = b.def.Fields[:2]
		for i, source := range sources {
			b.def.Fields[i].From = []register.Source{{Name: source}}
		}
	}
}

func htmlList(b *bench) { inFormat(register.FormatHTML, "/list.html", "table tr", "id", "name")(b) }

// frugal fails if what f does takes more than 64 MB above what was in use, or
// longer than the limit and a second.
func frugal(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	debug.FreeOSMemory()
	idle, peak := inUse(), uint64(0)
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			peak = max(peak, inUse())
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	})
	started := time.Now()
	f()
	took := time.Since(started)
	close(stop)
	watching.Wait()
	if !underRace && peak > idle && peak-idle > 64<<20 {
		t.Errorf("it took %d MB above idle", (peak-idle)>>20)
	}
	if took > patient(limit)+patient(time.Second) {
		t.Errorf("it took %s", took)
	}
	t.Logf("%d MB above idle, %s", (max(peak, idle)-idle)>>20, took.Round(time.Millisecond))
}

// patient widens a limit of time where everything is slower.
func patient(limit time.Duration) time.Duration {
	if underRace {
		return 8 * limit
	}
	return limit
}

// inUse is the memory that the process has from the system and has not given
// back, in bytes.
func inUse() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

func TestHostile05Bombs(t *testing.T) {
	for _, scenario := range []string{
		"05-gzip-bomb", "05-deflate-bomb", "05-br-bomb", "05-nested-gzip", "05-zip-bomb", "05-zip-quine", "05-overlapping-zip",
	} {
		t.Run(scenario, func(t *testing.T) {
			frugal(t, 5*time.Second, func() { perform(t, scenario, within(5*time.Second, 64<<20)) })
		})
	}
}

// What is packed is no page of any format: neither is it opened, nor read as if
// it were text.
func TestHostile05PackedInPlaceOfEachFormat(t *testing.T) {
	for _, format := range []string{register.FormatCSV, register.FormatText, register.FormatHTML, register.FormatJSON, register.FormatXML} {
		for _, scenario := range []string{"05-zip-bomb", "05-zip-quine", "05-overlapping-zip"} {
			script, err := testsite.Scenario(scenario)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t)
			rows := map[string]string{register.FormatJSON: ".[]", register.FormatXML: "list/entry", register.FormatText: "(?P<id>[0-9]+),(?P<name>.*)"}[format]
			sources := map[string][]string{register.FormatJSON: {".id", ".name"}}[format]
			inFormat(format, "/list.csv", rows, sources...)(b)
			script.Ticks[1].Publish(b.site)
			if run, _ := b.run(); run.Class != register.ClassWrongThing {
				t.Errorf("%s as %s: %s %s: %s", scenario, format, run.Outcome, run.Class, run.Reason)
			}
		}
	}
}

func TestHostile06EndlessBodies(t *testing.T) {
	for _, scenario := range []string{
		"06-10-gigabytes", "06-10-gigabytes-unannounced", "06-endless-chunks", "06-endless-headers", "06-fat-header", "06-interim-flood",
	} {
		t.Run(scenario, func(t *testing.T) {
			var b *bench
			frugal(t, 5*time.Second, func() { b = perform(t, scenario, within(5*time.Second, 64<<20)) })
			if run := b.runs()[1]; scenario == "06-10-gigabytes" && (len(run.Pages) != 1 || run.Pages[0].Bytes != 0) {
				t.Errorf("what announces that it is too large was read: %+v", run.Pages)
			}
		})
	}
	t.Run("06-drip", func(t *testing.T) {
		frugal(t, time.Second, func() { perform(t, "06-drip", within(time.Second, 64<<20)) })
	})
}

func TestHostile07CutBodies(t *testing.T) {
	for _, scenario := range []string{"07-cut-length", "07-cut-chunks", "07-cut-by-close", "07-reset", "07-cut-gzip"} {
		b := perform(t, scenario)
		for _, s := range b.signals() {
			if s.State == register.StateHeld {
				t.Errorf("%s: held: %s", scenario, s.Reason)
			}
		}
	}
	perform(t, "07-cut-by-close-elsewhere")
	perform(t, "07-cut-xml", inFormat(register.FormatXML, "/list.xml", "list/entry", "id", "name"))
}

func TestHostile08OverTheCap(t *testing.T) {
	b := perform(t, "08-one-row-over-the-cap", within(5*time.Second, 1<<20))
	if run, _ := b.run(); run.Outcome != register.OutcomeUnchanged {
		t.Errorf("then: %s", run.Outcome)
	}
}

func TestHostile09InPlaceOfTheRegister(t *testing.T) {
	perform(t, "09-in-place-of-the-file")
	perform(t, "09-other-language", htmlList)
}

func TestHostile10Pages(t *testing.T) {
	linked := func(b *bench) {
		inFormat(register.FormatHTML, "/list", "table tr", "id", "name")(b)
		b.def.Fetch.Pages = &register.Paging{Next: "a[rel=next]", Max: 4}
	}
	perform(t, "10-pages", linked)
	perform(t, "10-endless-pages", linked)
	perform(t, "10-moving-pages", inFormat(register.FormatJSON, "/list.json", ".rows[]", ".id", ".name"), func(b *bench) {
		b.def.Fetch.Pages = &register.Paging{Param: "page", From: 1, Max: 20}
		b.def.Expect.Total = ".total"
	})
}

func TestHostile11Redirects(t *testing.T) {
	perform(t, "11-redirect-loop")
	perform(t, "11-long-location")
	b := perform(t, "11-thirty-redirects")
	if b.site.Requests("/5") != 1 || b.site.Requests("/6") != 0 {
		t.Errorf("the fifth redirect was followed %d times, the sixth %d times", b.site.Requests("/5"), b.site.Requests("/6"))
	}
}

func TestHostile12Cookies(t *testing.T) {
	frugal(t, 5*time.Second, func() { perform(t, "12-cookies") })
}

func TestHostile13Robots(t *testing.T) {
	for _, scenario := range []string{"13-robots-endless", "13-robots-large", "13-robots-redirects", "13-robots-binary", "13-robots-down"} {
		var b *bench
		frugal(t, 5*time.Second, func() { b = perform(t, scenario) })
		if scenario == "13-robots-down" && (len(b.signals()) != 1 || b.site.Requests("/list.csv") != 0) {
			t.Errorf("told %d things, asked for the list %d times", len(b.signals()), b.site.Requests("/list.csv"))
		}
	}
}

func TestHostile14XML(t *testing.T) {
	var b *bench
	frugal(t, 5*time.Second, func() {
		b = perform(t, "14-xml", inFormat(register.FormatXML, "/list.xml", "list/entry", "id", "name"))
	})
	if b.site.Requests("/inside") != 0 {
		t.Error("an entity was fetched")
	}
}

func TestHostile15JSON(t *testing.T) {
	b := perform(t, "15-json", inFormat(register.FormatJSON, "/list.json", ".[]", ".id", ".name"))
	if got := strings.Join(slices.Sorted(slices.Values(b.head())), ", "); got != "12345678901234567890123 Alpha, 1e400 Gamma, 9007199254740993 Beta" {
		t.Errorf("the head is %s", got)
	}
}

func TestHostile16HTML(t *testing.T) { perform(t, "16-html", htmlList) }

// What swallows the table leaves a page that is fine and holds no rows. Where a
// register may be empty, that must not pass for the register being so.
func TestHostile16SwallowedTableIsNoEmptyRegister(t *testing.T) {
	const table = "<table><tr><th>id</th><th>name</th></tr><tr><td>1</td><td>Alpha</td></tr></table></html>"
	for name, body := range map[string]string{
		"plaintext":         "<html><plaintext>" + table,
		"comment":           "<html><!-- " + table,
		"textarea":          "<html><textarea>" + table,
		"script":            "<html><script>" + table,
		"title":             "<html><title>" + table,
		"unclosed quote":    "<html><a title='" + table,
		"another page":      "<html><p>Our register is in the new portal.</p></html>",
		"600 elements deep": "<html>" + strings.Repeat("<div>", 600) + table,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			htmlList(b)
			b.def.Expect.Entries.Min = new(int)
			b.site.Publish("/list.html", testsite.Plain("text/html", []byte("<html>"+table)))
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.site.Publish("/list.html", testsite.Plain("text/html", []byte(body)))
			for range 3 {
				if run, _ := b.run(); run.Proof.Complete() || run.Waiting > 0 || len(b.head()) != 1 {
					t.Errorf("%s, %d waiting, head %q\n%s", run.Outcome, run.Waiting, b.head(), proofText(run.Proof))
				}
			}
		})
	}
}

// A table that is there and holds nothing but its header is an empty register.
func TestHostile16EmptyTableIsEmptyRegister(t *testing.T) {
	for _, rows := range []string{"table tr", "tbody tr"} {
		b := newBench(t)
		inFormat(register.FormatHTML, "/list.html", rows, "id", "name")(b)
		b.def.Expect.Entries.Min = new(int)
		const head = "<html><table><thead><tr><th>id</th><th>name</th></tr></thead><tbody>"
		b.site.Publish("/list.html", testsite.Plain("text/html", []byte(head+"<tr><td>1</td><td>Alpha</td></tr></table></html>")))
		b.expect(register.OutcomeBaseline, register.Counts{})
		b.site.Publish("/list.html", testsite.Plain("text/html", []byte(head+"</table></html>")))
		b.expect(register.OutcomeUnchanged, register.Counts{})
		b.expect(register.OutcomeChanged, register.Counts{Removed: 1})
	}
}

func TestHostile16AttributeOfAMegabyte(t *testing.T) {
	b := newBench(t)
	htmlList(b)
	huge := "<html><p title='" + strings.Repeat("x", 1<<20) + "'></p><table><tr><th>id</th><th>name</th></tr><tr><td>1</td><td>Alpha</td></tr></table></html>"
	b.site.Publish("/list.html", testsite.Plain("text/html", []byte(huge)))
	if run := b.expect(register.OutcomeBaseline, register.Counts{}); run.Entries != 1 {
		t.Errorf("%d entries", run.Entries)
	}
}

func TestHostile17Charsets(t *testing.T) {
	b := perform(t, "17-charset")
	for _, want := range []string{"2 Žluťoučký", "4001 \uFFFD\uFFFD", "4003 N\uFFFDL"} {
		if !slices.Contains(b.head(), want) {
			t.Errorf("%q is not in the head", want)
		}
	}
}

func TestHostile18Spellings(t *testing.T) {
	b := perform(t, "18-spelling")
	runs, err := b.store.Runs(t.Context(), register.RunFilter{Register: b.def.ID})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(runs, func(r register.Run) bool { return r.Read.MixedScripts == 1 }) {
		t.Error("the look-alike was not flagged")
	}
}

func TestHostile28TLS(t *testing.T) {
	for scenario, says := range map[string]struct{ reason, hint string }{
		"28-tls-expired":     {"expired", "out of its time"},
		"28-tls-self-signed": {"unknown authority", "fetch.tls.ca"},
		"28-tls-wrong-host":  {"valid for 192.0.2.1", "another host's"},
		"28-tls-tls1-0":      {"protocol version", "older than TLS 1.2"},
		"28-tls-weak":        {"handshake failure", "weak ciphers"},
	} {
		b := perform(t, scenario)
		b.tells(says.reason, says.hint)
		if b.site.Requests("/list.csv") != 0 {
			t.Errorf("%s: the page was asked for", scenario)
		}
	}
}

// tells fails unless the operator was told one thing, what is wrong and what to
// do, and the run says the same.
func (b *bench) tells(reason, hint string) {
	b.Helper()
	signals := b.signals()
	if len(signals) != 1 || !strings.Contains(signals[0].Reason, reason) || !strings.Contains(signals[0].Reason, hint) {
		b.Errorf("told %+v; want %q and %q", signals, reason, hint)
	}
	if last := b.runs()[0]; len(signals) > 0 && last.Reason != signals[0].Reason {
		b.Errorf("told %q, but the run says %q", signals[0].Reason, last.Reason)
	}
}

// What a register's own trust helps against, and what not.
func TestHostile28TLSTrustedBySource(t *testing.T) {
	ca := func(site *testsite.Site) register.TLS {
		return register.TLS{CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw}))}
	}
	pin := func(site *testsite.Site) register.TLS {
		return register.TLS{Pins: []string{register.PinOf(site.Certificate())}}
	}
	for _, test := range []struct {
		kind         string
		trust        func(*testsite.Site) register.TLS
		reason, hint string // empty: it is fetched
	}{
		{"self-signed", ca, "", ""},
		{"self-signed", pin, "", ""},
		{"expired", ca, "expired", "out of its time"},
		{"expired", pin, "expired", "out of its time"},
		{"wrong-host", ca, "valid for 192.0.2.1", "another host's"},
		{"wrong-host", pin, "valid for 192.0.2.1", "another host's"},
		{"tls1.0", ca, "protocol version", "older than TLS 1.2"},
		{"tls1.0", pin, "protocol version", "older than TLS 1.2"},
		{"weak", ca, "handshake failure", "weak ciphers"},
		{"weak", pin, "handshake failure", "weak ciphers"},
		{"self-signed", func(site *testsite.Site) register.TLS {
			return register.TLS{CA: ca(site).CA, Pins: []string{"sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}
		}, "no certificate of 127.0.0.1 has a pinned key", "fetch.tls.pin"},
	} {
		b := newBench(t)
		site, err := testsite.StartTLS(test.kind)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { site.Close() })
		b.site, b.def.Fetch.URLs = site, []string{site.URL("/list.csv")}
		b.def.Fetch.TLS = test.trust(site)
		b.publish("1,Alpha")
		if test.reason == "" {
			b.expect(register.OutcomeBaseline, register.Counts{})
			b.def.Fetch.TLS = register.TLS{} // the next register, or the next definition, does not trust it
		}
		b.expect(register.OutcomeFailed, register.Counts{})
		if test.reason != "" {
			b.tells(test.reason, test.hint)
		}
	}
}

func TestHostile33ShuffledRows(t *testing.T) { perform(t, "33-shuffled") }

func TestHostile34SameKey(t *testing.T) {
	b := perform(t, "34-same-key", func(b *bench) { b.def.Expect.Confirm = 1 })
	if len(b.head()) != 4 {
		t.Errorf("the head is %q", b.head())
	}
}

func TestHostile35LyingTag(t *testing.T) {
	perform(t, "35-lying-tag", func(b *bench) {
		ticks := 0
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s := scraper.New(scraper.Options{Archive: b.archive, HostRate: 10_000, RetryBase: time.Millisecond, Now: func() time.Time {
			ticks = len(b.runs())
			return start.Add(time.Duration(ticks) * 12 * time.Hour)
		}})
		b.Cleanup(s.Close)
		b.Source = s
	})
}

// runs gives every run so far.
func (b *bench) runs() []register.Run {
	b.Helper()
	runs, err := b.store.Runs(b.Context(), register.RunFilter{Register: b.def.ID})
	if err != nil {
		b.Fatal(err)
	}
	return runs
}
