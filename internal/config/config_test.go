package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/regwatch/regwatch/register"
)

var update = flag.Bool("update", false, "write the golden files anew")

func environment(pairs ...string) func(string) (string, bool) {
	values := map[string]string{"HOME": "/home/you"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, environment(), checkLikeApp)
			if _, ok := errors.AsType[Errors](err); !ok {
				t.Fatalf("have %v, want Errors", err)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret is shown: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", filepath.ToSlash(err.Error())+"\n")
		})
	}
}

// checkLikeApp stands for the checks of channels and expressions.
func checkLikeApp(c Config) (wrong []register.FieldError) {
	for _, channel := range c.Channels {
		if channel.Settings["url"] == "not a url" {
			wrong = append(wrong, register.FieldError{Path: "channels." + channel.Name + ".url", Message: "not a URL", Hint: "write https://…"},
				register.FieldError{Path: "channels." + channel.Name + ".secret", Message: "missing"})
		}
	}
	for _, s := range c.Subscriptions {
		if strings.Contains(s.When, " = ") {
			wrong = append(wrong, register.FieldError{Path: "subscriptions[0].when", Message: "unexpected ="})
		}
	}
	return wrong
}

func TestLoadReadsEveryField(t *testing.T) {
	path := write(t, `
data: state
contact: ops@example.org
registers: [cz-mf-blocklist, ./my-register.yaml, /etc/other.yml]
subscriptions:
  - name: new-apps
    registers: ["*"]
    kinds: [added, relisted]
    when: category == "app"
    to: [hook, mail]
channels:
  hook: {type: webhook, url: "https://x.example/", secret: [env:A, env:B], timeout: 5, allow_private: true, headers: {X-A: "1"}}
  mail: {type: email}
operators: [mail]
nats: {listen: "127.0.0.1:4222", token: env:TOKEN}
store: {}
http: {listen: "0.0.0.0:80", public_url: "https://r.example", insecure: true}
archive: {keep: 1d12h}
log: {level: debug, format: json}
scrape: {workers: 7}
`)
	got, err := Load(path, environment())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	want := Config{
		Data: filepath.Join(dir, "state"), Contact: "ops@example.org",
		Registers: []string{"cz-mf-blocklist", filepath.Join(dir, "my-register.yaml"), "/etc/other.yml"},
		Subscriptions: []register.Subscription{{
			Name: "new-apps", Registers: []string{"*"},
			Kinds: []register.Kind{register.Added, register.Relisted}, When: `category == "app"`, To: []string{"hook", "mail"},
		}},
		Channels: []register.Channel{
			{Name: "hook", Type: "webhook", Settings: map[string]any{
				"url": "https://x.example/", "secret": []any{"env:A", "env:B"},
				"timeout": 5, "allow_private": true, "headers": map[string]any{"X-A": "1"},
			}},
			{Name: "mail", Type: "email", Settings: map[string]any{}},
		},
		Operators: []string{"mail"},
		NATS:      NATS{Listen: "127.0.0.1:4222", Token: "env:TOKEN"},
		HTTP:      HTTP{Listen: "0.0.0.0:80", PublicURL: "https://r.example", Insecure: true},
		Archive:   Archive{Keep: 36 * time.Hour}, Log: Log{Level: "debug", Format: "json"}, Scrape: Scrape{Workers: 7},
		file: path,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Config{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestEnvironmentWins(t *testing.T) {
	path := write(t, "contact: file@example.org\nregisters: [a-one]\nhttp: {listen: 127.0.0.1:1}\n")
	got, err := Load(path, environment(
		"REGWATCH_CONTACT", "env@example.org", "REGWATCH_REGISTERS", "b-two, ./c.yaml", "REGWATCH_HTTP_LISTEN", "",
		"REGWATCH_HTTP_PUBLIC_URL", "https://e.example", "REGWATCH_SCRAPE_WORKERS", "9", "REGWATCH_ARCHIVE_KEEP", "5d",
		"REGWATCH_HTTP_INSECURE", "true", "REGWATCH_NATS_URL", "nats://n:4222", "REGWATCH_DATA", "here",
		"REGWATCH_CHANNELS", `{"s": {"type": "terminal"}}`, "REGWATCH_OPERATORS", "s",
		"REGWATCH_SUBSCRIPTIONS", `[{name: all, registers: ["*"], to: [s]}]`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Data, want.Contact, want.Registers = "here", "env@example.org", []string{"b-two", "./c.yaml"}
	want.HTTP = HTTP{Listen: "127.0.0.1:1", PublicURL: "https://e.example", Insecure: true}
	want.Scrape.Workers, want.Archive.Keep, want.NATS.URL = 9, 5*day, "nats://n:4222"
	want.Channels = []register.Channel{{Name: "s", Type: "terminal", Settings: map[string]any{}}}
	want.Operators = []string{"s"}
	want.Subscriptions = []register.Subscription{{Name: "all", Registers: []string{"*"}, To: []string{"s"}}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Config{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestErrorsOfTheEnvironmentNameTheVariable(t *testing.T) {
	_, err := Load("", environment("REGWATCH_HTTP_LISTEN", "0.0.0.0:80", "REGWATCH_SCRAPE_WORKERS", "x",
		"REGWATCH_CHANNELS", "{s: {tipe: terminal}", "REGWATCH_NATS_TOKEN", "hunter2"))
	want := `REGWATCH_CHANNELS: not YAML: while parsing a flow mapping, did not find expected ',' or '}'
REGWATCH_HTTP_LISTEN: http.listen: not a loopback address, and nothing there asks for a password (write 127.0.0.1:PORT, or insecure: true if the network is yours)
REGWATCH_NATS_TOKEN: nats.token: a secret is not written into the configuration (write env:NAME or file:PATH, and put it there)
REGWATCH_SCRAPE_WORKERS: scrape.workers: not a whole number`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMissingFiles(t *testing.T) {
	dir := t.TempDir()
	got, err := Load("", environment("XDG_DATA_HOME", dir))
	if err != nil || got.Data != filepath.Join(dir, "regwatch") || got.File() != "" {
		t.Errorf("without a file: %+v, %v", got, err)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml"), environment()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a named file that is missing: %v", err)
	}
	if _, err := Load("", environment("REGWATCH_CONFIG", filepath.Join(dir, "none.yaml"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("REGWATCH_CONFIG that is missing: %v", err)
	}
	path := write(t, "contact: found@example.org\n")
	got, err = Load("", environment("REGWATCH_DATA", filepath.Dir(path)))
	if err != nil || got.Contact != "found@example.org" || got.File() != path {
		t.Errorf("the data directory's file: %+v, %v", got, err)
	}
	for _, text := range []string{"", "# nothing\n", "nats:\nhttp: {}\n"} {
		got, err := Load(write(t, text), environment())
		if err != nil || got.HTTP != Default().HTTP {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestDefaultData(t *testing.T) {
	for want, env := range map[string]func(string) (string, bool){
		"/x/regwatch":              environment("XDG_DATA_HOME", "/x"),
		"/var/lib/regwatch":        environment("HOME", ""),
		DefaultData(environment()): environment("XDG_DATA_HOME", "relative"),
	} {
		if got := DefaultData(env); got != want {
			t.Errorf("have %s, want %s", got, want)
		}
	}
}

func TestStarterLoads(t *testing.T) {
	path := write(t, string(Starter()))
	c, err := Load(path, environment())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Registers) == 0 || len(c.Subscriptions) == 0 || len(c.Channels) == 0 || len(c.Operators) == 0 {
		t.Errorf("the starter configures nothing: %+v", c)
	}
	_, body, _ := strings.Cut(string(Starter()), "\n\n")
	bare := uncomment(body)
	if _, err := Load(write(t, bare), environment()); err != nil {
		t.Errorf("with its examples uncommented: %v\n%s", err, bare)
	}
}

// uncomment makes configuration of the starter's examples: comments that begin
// with a field or an item.
func uncomment(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		indent, comment, found := strings.Cut(line, "# ")
		name, _, field := strings.Cut(strings.TrimSpace(comment), ":")
		item := strings.HasPrefix(comment, "- ")
		if found && strings.TrimSpace(indent) == "" && (item || field && !strings.ContainsAny(name, " `")) {
			line = indent + comment
		}
		b.WriteString(line)
	}
	return b.String()
}

func FuzzLoad(f *testing.F) {
	f.Add(string(Starter()))
	for _, s := range []string{"a: &a [*a]", "channels: {a: {b: {c: [1, 2.5, ~]}}}", "? [a]\n: b", "registers: [1, null]", "nats: {token: file:x}"} {
		f.Add(s)
	}
	path := filepath.Join(f.TempDir(), FileName)
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, environment())
		list, ok := errors.AsType[Errors](err)
		if err != nil && !ok && len(text) < maxFileBytes {
			t.Fatalf("not a list of errors: %v", err)
		}
		for _, e := range list {
			if e.Line < 1 || e.Column < 1 || e.Message == "" {
				t.Fatalf("an error without its place: %+v", e)
			}
		}
	})
}
