package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/regwatch/regwatch/"

// allowed is the import table of ARCHITECTURE.md: what a package may import of
// ours. A trailing /* stands for any one element. Test files import what they
// need.
var allowed = map[string][]string{
	"register":              {},
	"schedules":             {"register"},
	"differ":                {"register"},
	"differ/*":              {"register", "internal/offheap"},
	"scraper/format":        {"register"},
	"scraper":               {"register", "scraper/format", "internal/safenet", "internal/offheap"},
	"notifier":              {"register", "internal/safenet"},
	"notifier/channel":      {"register", "notifier", "notifier/channel/*"},
	"notifier/channel/*":    {"register", "notifier", "internal/safenet"},
	"internal/store/*":      {"register", "internal/offheap"},
	"internal/bus":          {"register"},
	"internal/archive":      {"register"},
	"internal/config":       {"register"},
	"internal/web":          {"register", "internal/telemetry"},
	"internal/safenet":      {},
	"internal/offheap":      {},
	"internal/heap":         {},
	"internal/telemetry":    {},
	"internal/testsite":     {},
	"internal/testsite/cmd": {"internal/testsite"},
	"internal/adversary":    {"register"},
	"internal/archtest":     {},
	"bench/*":               {},
	"internal/deploy":       {},
	"internal/pipeline":     {"register", "scraper", "differ", "differ/index", "internal/heap"},
	"internal/app":          {"*"},
	"cmd/regwatch":          {"internal/app", "register", "internal/heap"},
}

// homes names the one place of each big dependency.
var homes = map[string]string{
	"github.com/gocolly/colly/v2":         "scraper/fetch.go",
	"github.com/robfig/cron/v3":           "schedules",
	"github.com/nats-io/nats.go":          "internal/bus",
	"github.com/nats-io/nats-server/v2":   "internal/bus",
	"modernc.org/sqlite":                  "internal/store/sqlite",
	"modernc.org/libc":                    "internal/store/sqlite",
	"github.com/pressly/goose/v3":         "internal/store/sqlite",
	"github.com/urfave/cli/v3":            "cmd/regwatch",
	"github.com/wneessen/go-mail":         "notifier/channel/email",
	"github.com/prometheus/client_golang": "internal/telemetry",
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for file, imports := range sources(t) {
		folder := path.Dir(file)
		rule, ok := ruleFor(folder)
		if !ok {
			t.Errorf("%s: the import table does not know the package %s: give it a line in ARCHITECTURE.md and here", file, folder)
			continue
		}
		seen[folder] = true
		for _, imported := range imports {
			if ours, is := strings.CutPrefix(imported, module); is && !slices.ContainsFunc(rule, matches(ours)) {
				t.Errorf("%s imports %s, which %s may not", file, ours, folder)
			}
			for dependency, home := range homes {
				if (imported == dependency || strings.HasPrefix(imported, dependency+"/")) && file != home && folder != home {
					t.Errorf("%s imports %s, whose one home is %s", file, imported, home)
				}
			}
			if folder == "register" && strings.Contains(imported, ".") && imported != "golang.org/x/text/unicode/norm" {
				t.Errorf("%s imports %s: register has the standard library and x/text/unicode/norm", file, imported)
			}
		}
	}
	if len(seen) < 5 {
		t.Fatalf("found only %d packages: is the test looking in the right place?", len(seen))
	}
}

func TestEveryPackageSaysWhatItPromises(t *testing.T) {
	said := map[string]bool{}
	for file := range sources(t) {
		folder := path.Dir(file)
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		said[folder] = said[folder] || parsed.Doc != nil
	}
	for folder, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", folder)
		}
	}
}

const root = "../.."

// sources gives the imports of every Go file that is not a test, by path from
// the root of the module.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "testdata" || d.Name() == "bench") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		imports := []string{}
		for _, spec := range parsed.Imports {
			unquoted, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, unquoted)
		}
		found[name] = imports
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func ruleFor(folder string) ([]string, bool) {
	if rule, ok := allowed[folder]; ok {
		return rule, true
	}
	rule, ok := allowed[path.Dir(folder)+"/*"]
	return rule, ok
}

// matches reports whether a pattern of the table covers the package.
func matches(folder string) func(pattern string) bool {
	return func(pattern string) bool {
		return pattern == "*" || pattern == folder || strings.TrimSuffix(pattern, "/*") == path.Dir(folder) && strings.HasSuffix(pattern, "/*")
	}
}
