package config

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

const reference = "../../docs/configuration.md"

// TestReference compares docs/configuration.md with the fields, their comments
// and their defaults. With -update it writes the table anew.
func TestReference(t *testing.T) {
	const begin, end = "<!-- fields: written from internal/config/config.go -->\n", "<!-- end of fields -->\n"
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, found2 := strings.Cut(rest, end)
	if !found || !found2 {
		t.Fatalf("%s has lost its marks %q and %q", reference, begin, end)
	}
	var table strings.Builder
	table.WriteString("| field | variable | what it is | default |\n|---|---|---|---|\n")
	comments := fieldComments(t)
	eachField("", reflect.ValueOf(Default()), func(path, owner, name string, value reflect.Value) {
		about, def := splitDefault(t, path, comments[owner+"."+name])
		if path != "data" && def != shown(value) {
			t.Errorf("%s: the comment says %q is the default, it is %q", path, def, shown(value))
		}
		fmt.Fprintf(&table, "| `%s` | `%s` | %s | %s |\n", path, variable(path), about, def)
	})
	golden(t, reference, before+begin+table.String()+end+after)
}

// eachField visits every field that can be set, in declared order.
func eachField(path string, v reflect.Value, visit func(path, owner, name string, value reflect.Value)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		at := member(path, snake(field.Name))
		if field.Type.Kind() == reflect.Struct {
			eachField(at, v.Field(i), visit)
			continue
		}
		visit(at, v.Type().Name(), field.Name, v.Field(i))
	}
}

var defaultAtEnd = regexp.MustCompile(`(?s)^(.*[^ ]) Default: (.*)\.\n$`)

func splitDefault(t *testing.T, path, comment string) (about, def string) {
	t.Helper()
	parts := defaultAtEnd.FindStringSubmatch(comment)
	if parts == nil {
		t.Errorf("%s: its comment %q does not end in `Default: ….`", path, comment)
		return "", ""
	}
	return parts[1], parts[2]
}

// shown writes a default as the comments do.
func shown(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case time.Duration:
		if value%day == 0 {
			return fmt.Sprintf("%dd", value/day)
		}
	case bool, int:
		return fmt.Sprint(value)
	}
	if v.IsZero() {
		return "none"
	}
	return fmt.Sprint(v)
}

// fieldComments gives the comment of every field, by Type.Field.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	comments := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if structure, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range structure.Fields.List {
				for _, name := range field.Names {
					comments[spec.Name.Name+"."+name.Name] = field.Doc.Text()
				}
			}
		}
		return true
	})
	return comments
}

// TestReferenceNamesSubscriptionFields keeps the documented fields of a
// subscription the ones that are read.
func TestReferenceNamesSubscriptionFields(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Subscriptions")
	section, _, _ = strings.Cut(section, "\n## ")
	subscriptions := reflect.TypeOf(Config{}.Subscriptions).Elem()
	for _, name := range fieldsOf(subscriptions).names {
		if !strings.Contains(section, "| `"+name+"` |") {
			t.Errorf("%s does not describe a subscription's %s", reference, name)
		}
	}
}
