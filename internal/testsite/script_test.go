package testsite_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/regwatch/regwatch/internal/testsite"
)

func TestScenariosAreScripts(t *testing.T) {
	names := testsite.Scenarios()
	if len(names) < 30 {
		t.Fatalf("only %d scenarios", len(names))
	}
	for _, name := range names {
		script, err := testsite.Scenario(name)
		if err != nil {
			t.Error(err)
		}
		if script.About == "" {
			t.Errorf("%s does not say what it is about", name)
		}
		for i, tick := range script.Ticks {
			if tick.Want == "" {
				t.Errorf("%s: nothing says what should come of tick %d", name, i+1)
			}
		}
	}
	if _, err := testsite.Scenario("none"); err == nil || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("an unknown scenario: %v", err)
	}
}

func TestScriptErrorsNameTheLine(t *testing.T) {
	for text, says := range map[string]string{
		"":                              "no tick",
		"page /a":                       "line 1",
		"tick x\npage /a none":          `line 2: there is no "none"`,
		"tick x\npage /a\n\tcolour red": `line 3: a page has no setting "colour"`,
		"tick x\n\ttype text/csv":       "line 2",
		"tick x\npage /a\n\tstatus no":  "line 3",
		"tick x\npage /a\n\tlines 1 2":  "line 3",
		"jump":                          `line 1: "jump" is not understood`,
	} {
		if _, err := testsite.ParseScript("s", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q", text, err, says)
		}
	}
}

// A tick's pages stay until others are published, and a query has its own.
func TestScriptIsPlayed(t *testing.T) {
	script, err := testsite.ParseScript("s", `
let later
	text
		later
tick one
page /a
	status 418
	header X-Number: {{request}}
	text
		first {{request}}
	after 2 later
page /a?q=1
	quoted "query"
tick two
page /a later
`)
	if err != nil {
		t.Fatal(err)
	}
	site, err := script.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	get := func(path, want string) {
		t.Helper()
		res, err := http.Get(site.URL(path))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if got := res.Header.Get("X-Number") + string(body); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	script.Ticks[0].Publish(site)
	get("/a", "1first 1\n")
	get("/a", "2first 2\n")
	get("/a", "later\n")
	get("/a?q=1", "query")
	get("/a?q=2", "later\n")
	script.Ticks[1].Publish(site)
	get("/a", "later\n")
	get("/a?q=1", "query")
}
