package schedules_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

var update = flag.Bool("update", false, "write the golden files anew")

// minimal is the least that a definition holds.
const minimal = `id: xx-list
title: A list
authority: {name: Somebody, country: CZ}
schedule: {cron: "@daily"}
fetch: {url: "https://example.org/list.csv"}
parse: {format: csv}
fields: {name: {from: Name}}
key: [name]
`

func source(name, text string) schedules.Source {
	return schedules.Source{Name: name, Data: []byte(text)}
}

// valid is minimal with an id that fits, and more lines at its end.
func valid(id string, more ...string) string {
	return strings.Replace(minimal, "xx-list", id, 1) + strings.Join(more, "\n")
}

const wholeCA = `-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUcu/zaxJXhoM0itw4Qo1qb0gunJQwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAgFw0yNjExMjUxODMwMzhaGA8yMTI2MTEwMTE4MzAzOFow
DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABMgQpwb8ViKq
GNO+VMzcWGhwVcuVQPd39vqRfHO57bbp244DuCwpMF+Xt3VI7xe/43sKzEHlZ3Hb
dUvELglqhrKjUzBRMB0GA1UdDgQWBBRozJMEO0sv6lgEjrWJTx9FeO0s7DAfBgNV
HSMEGDAWgBRozJMEO0sv6lgEjrWJTx9FeO0s7DAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIQCI6KGIfLkN8Dvzb+suiYFY9QLAC+JpF8jrkQ8UjHtT
TAIgXUAT1m5b+lxWxzw0H9JrfbAQORnug9bmpIa45rK8GNc=
-----END CERTIFICATE-----
`

func TestLoadReadsEveryPart(t *testing.T) {
	t.Parallel()
	file, err := schedules.ReadFile("testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := schedules.Load([]schedules.Source{file})
	if err != nil {
		t.Fatal(err)
	}
	least, most := 0, 9000
	want := register.Definition{
		ID: "gb-example-list", Title: "An example",
		Authority:   register.Authority{Name: "Office of Examples", Country: "GB", URL: "https://example.org/"},
		About:       "What it is about.",
		License:     "OGL 3.0",
		Attribution: "Contains public sector information.",
		Topics:      []string{"gambling", "apps"},
		Schedule:    register.Schedule{Cron: "15 6-20/2 * * 1-5", Timezone: "Europe/London", Jitter: 5 * time.Minute},
		Fetch: register.Fetch{
			URLs:     []string{"https://example.org/a", "https://example.org/b?x=1"},
			Method:   "POST",
			Headers:  map[string]string{"Accept": "text/csv"},
			JSON:     `{"page":{"size":100},"tags":["a",true,null,1.5]}`,
			Pages:    &register.Paging{Param: "page", From: 1, Step: 2, Max: 30},
			Encoding: "windows-1252", MaxBytes: 3 << 20, Timeout: 90 * time.Second, AllowPrivate: true,
			TLS: register.TLS{CA: wholeCA, Pins: []string{"sha256/eqa4mkcRega0TBYhyNjNFEyYPeNRJmU8OZ9O5QKByhU="}},
		},
		Parse: register.Parse{Format: "csv", Delimiter: "\t", NoHeader: true, Skip: 2, Lazy: true},
		Fields: []register.Field{
			{Name: "zeta", From: []register.Source{{Index: 3, ByIndex: true}}, Map: map[string]string{"1": "site", "Yes": "app"}},
			{Name: "alpha", From: []register.Source{{Index: 0, ByIndex: true}, {Name: "Other name"}}, Type: "date", Layout: "02.01.2006"},
			{Name: "names", From: []register.Source{{Name: "names"}}, Type: "list", Sep: "|", Strip: `\s+\(new\)$`, Optional: true},
		},
		Key:         []string{"alpha", "zeta"},
		ListedWhile: `zeta != ""`,
		Ignore:      []string{"names"},
		Expect: register.Expect{
			Entries: register.Bounds{Min: &least, Max: &most}, Total: "#total", Sentinel: "END",
			Thresholds: register.Thresholds{
				Removed: 0.025, FewRemoved: 6, ManyRemoved: 200, SmallRemoved: 0.3, LeastRemoved: 3,
				Changed: 0.5, FewChanged: 26, SmallChanged: 0.6, LeastChanged: 4,
				Swap: 0.7, Known: 0.4, Emptied: 0.8, Mistyped: 0.9, Filled: 7, RekeyPairs: 3, RekeyFields: 1, Reused: 0.75,
			},
			Confirm: 1, NeverRelease: true, FreshWithin: 30 * 24 * time.Hour,
		},
		Disabled: true,
		File:     "testdata/whole.yaml",
	}
	if diff := cmp.Diff([]register.Definition{want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d broken definitions, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s, err := schedules.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s.Name = filepath.Base(file)
			definitions, err := schedules.Load([]schedules.Source{s})
			if err == nil {
				t.Fatal("no error")
			}
			if len(definitions) > 0 {
				t.Errorf("a broken definition was loaded: %v", definitions)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefusesAnIDTwice(t *testing.T) {
	t.Parallel()
	definitions, err := schedules.Load([]schedules.Source{
		source("one.yaml", valid("cz-one")), source("two.yaml", valid("cz-two")), source("three.yaml", "# a comment\n"+valid("cz-one")),
	})
	const want = "three.yaml:2:5: id: `cz-one` is the id of one.yaml:1 already (an id names one register)"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %v", err, want)
	}
	if len(definitions) != 2 || definitions[0].ID != "cz-one" || definitions[1].ID != "cz-two" {
		t.Errorf("got %v", definitions)
	}
}

func TestLoadPlacesErrorsOfChecks(t *testing.T) {
	t.Parallel()
	text := valid("cz-one", "ignore: []", "expect:", "  entries: {min: 1}")
	check := func(path string) schedules.Check {
		return func(register.Definition) []register.FieldError {
			return []register.FieldError{{Path: path, Message: "wrong", Hint: "mend it"}}
		}
	}
	for path, want := range map[string]string{
		"parse.format":        "f.yaml:6:17: parse.format: wrong (mend it)",
		"parse.rows":          "f.yaml:6:1: parse.rows: wrong (mend it)", // not there: its nearest part
		"fields.name.from":    "f.yaml:7:23: fields.name.from: wrong (mend it)",
		"fields.name.from[0]": "f.yaml:7:17: fields.name.from[0]: wrong (mend it)",
		"fetch.urls[0]":       "f.yaml:5:14: fetch.urls[0]: wrong (mend it)", // written as url
		"key[0]":              "f.yaml:8:7: key[0]: wrong (mend it)",
		"key[7]":              "f.yaml:8:1: key[7]: wrong (mend it)",
		"expect.entries.min":  "f.yaml:11:18: expect.entries.min: wrong (mend it)",
		"listed_while":        "f.yaml:1:1: listed_while: wrong (mend it)",
	} {
		_, err := schedules.Load([]schedules.Source{source("f.yaml", text)}, check(path))
		if err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %v", path, err, want)
		}
	}
}

func TestLoadTellsEveryErrorOfEveryFile(t *testing.T) {
	t.Parallel()
	_, err := schedules.Load([]schedules.Source{
		source("b.yaml", valid("cz-one", "topics: [A]", "shedule: x")),
		source("a.yaml", valid("cz-two", "ignore: [nmae]")),
	}, func(d register.Definition) []register.FieldError {
		return []register.FieldError{{Path: "parse.format", Message: "also wrong"}}
	})
	errs, ok := errors.AsType[schedules.Errors](err)
	if !ok {
		t.Fatalf("got %T", err)
	}
	var got []string
	for _, e := range errs {
		got = append(got, e.File+" "+e.Path)
	}
	want := []string{"b.yaml parse.format", "b.yaml topics[0]", "b.yaml shedule", "a.yaml parse.format", "a.yaml ignore[0]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadBoundsAliases(t *testing.T) {
	t.Parallel()
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		next := string(rune('1' + i))
		alias := "*a" + string(rune('0'+i))
		bomb += "a" + next + ": &a" + next + " [" + strings.Repeat(alias+", ", 9) + alias + "]\n"
	}
	for name, text := range map[string]string{
		"a bomb":        bomb,
		"a deep list":   "id: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"a cycle":       "id: &a [*a]",
		"a large file":  "# " + strings.Repeat("x", 300_000),
		"two documents": valid("cz-one") + "---\n" + valid("cz-two"),
		"nothing":       "",
		"a list":        "- a\n- b\n",
		"a word":        "hello",
		"binary":        "\x00\x01\x02\xff",
	} {
		start := time.Now()
		definitions, err := schedules.Load([]schedules.Source{source("f.yaml", text)})
		if err == nil || len(definitions) > 0 {
			t.Errorf("%s: got %v, %v", name, definitions, err)
		}
		if errs, ok := errors.AsType[schedules.Errors](err); ok && len(errs) > 40 {
			t.Errorf("%s: %d errors", name, len(errs))
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
		t.Logf("%s: %.300v", name, err)
	}
}

func TestLoadFollowsAliases(t *testing.T) {
	t.Parallel()
	text := strings.Replace(valid("cz-one"), "{name: {from: Name}}", "{name: &f {from: Name}, other: *f}", 1)
	definitions, err := schedules.Load([]schedules.Source{source("f.yaml", text)})
	if err != nil {
		t.Fatal(err)
	}
	if from := definitions[0].Fields[1].From[0].Name; from != "Name" {
		t.Errorf("got %q", from)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(minimal))
	for _, pattern := range []string{"testdata/*.yaml", "testdata/broken/*.yaml", "catalogue/*/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		definitions, err := schedules.Load([]schedules.Source{{Name: "f.yaml", Data: data}})
		if (err == nil) != (len(definitions) == 1) {
			t.Fatalf("%d definitions, %v", len(definitions), err)
		}
		if err == nil {
			if _, err := schedules.NewScheduler(schedules.Options{Definitions: definitions}); err != nil {
				t.Fatalf("loaded, but: %v", err)
			}
			return
		}
		errs, ok := errors.AsType[schedules.Errors](err)
		if !ok || len(errs) == 0 {
			t.Fatalf("got %T %v", err, err)
		}
		for _, e := range errs {
			if e.Line < 1 || e.Column < 1 || e.Message == "" || strings.ContainsAny(e.Error(), "\n\r") {
				t.Fatalf("not a line with a place: %q", e.Error())
			}
		}
	})
}
