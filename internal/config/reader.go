package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/regwatch/regwatch/register"
)

// reader fills a Config from YAML and remembers where each value stood.
type reader struct {
	source    string // the file, or the variable
	variable  bool
	positions map[string]position // by path
	errors    Errors
}

type position struct {
	source       string
	line, column int // line 0: in a variable
}

// add reports an error at a node.
func (r *reader) add(at *yaml.Node, path, message, hint string) {
	r.addAt(r.positionOf(at), path, message, hint)
}

func (r *reader) addAt(at position, path, message, hint string) {
	r.errors = append(r.errors, Error{
		Source: at.source, Line: at.line, Column: at.column,
		FieldError: register.FieldError{Path: path, Message: message, Hint: hint},
	})
}

func (r *reader) positionOf(n *yaml.Node) position {
	if r.variable {
		return position{source: r.source}
	}
	return position{r.source, n.Line, n.Column}
}

// check reports what a check found, where the value stands; a missing value
// stands where its parent does. What was misread already is not judged again.
func (r *reader) check(found []register.FieldError) {
	for _, e := range found {
		if r.covered(e.Path) {
			continue
		}
		r.addAt(r.find(e.Path), e.Path, e.Message, e.Hint)
	}
}

func (r *reader) find(path string) position {
	for {
		if at, ok := r.positions[path]; ok {
			return at
		}
		end := strings.LastIndexAny(path, ".[")
		if end < 0 {
			break
		}
		path = path[:end]
	}
	if at, ok := r.positions[""]; ok {
		return at
	}
	return position{source: "configuration"}
}

// covered reports whether an error stands at path or above it already.
func (r *reader) covered(path string) bool {
	for _, e := range r.errors {
		rest, within := strings.CutPrefix(path, e.Path)
		if e.Path != "" && within && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// failed reports whether an error stands at path or below it.
func (r *reader) failed(path string) bool {
	for _, e := range r.errors {
		if e.Path == "" || strings.HasPrefix(e.Path, path) {
			return true
		}
	}
	return false
}

// value reads one node into a Go value. A null leaves it as it is.
func (r *reader) value(path string, n *yaml.Node, into reflect.Value) {
	r.positions[path] = r.positionOf(n)
	if r.aliased(path, n) || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	switch target := into.Addr().Interface().(type) {
	case *[]register.Channel:
		r.channels(path, n, target)
		return
	case *time.Duration:
		if text, ok := r.scalar(path, n, "a duration such as 90d or 12h"); ok {
			r.duration(path, n, text, target)
		}
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		r.structure(path, n, into)
	case reflect.Slice:
		r.list(path, n, into)
	default:
		r.plain(path, n, into)
	}
}

// aliased refuses anchors and aliases: a configuration is read by people.
func (r *reader) aliased(path string, n *yaml.Node) bool {
	if n.Kind != yaml.AliasNode && n.Anchor == "" {
		return false
	}
	r.add(n, path, "anchors and aliases are not read here", "write the value out")
	return true
}

func (r *reader) scalar(path string, n *yaml.Node, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		r.add(n, path, "want "+want+", have "+kindName(n), "")
		return "", false
	}
	return n.Value, true
}

func (r *reader) plain(path string, n *yaml.Node, into reflect.Value) {
	switch into.Kind() {
	case reflect.String:
		if text, ok := r.scalar(path, n, "a text"); ok {
			into.SetString(strings.TrimSpace(text))
		}
	case reflect.Bool:
		text, ok := r.scalar(path, n, "true or false")
		if ok && text != "true" && text != "false" {
			r.add(n, path, "neither true nor false", "")
		}
		into.SetBool(text == "true")
	case reflect.Int:
		text, ok := r.scalar(path, n, "a number")
		number, err := strconv.Atoi(text)
		if ok && err != nil {
			r.add(n, path, "not a whole number", "")
		}
		into.SetInt(int64(number))
	default:
		panic("config: no way to read a " + into.Type().String())
	}
}

func (r *reader) duration(path string, n *yaml.Node, text string, into *time.Duration) {
	d, err := parseDuration(text)
	if err != nil {
		r.add(n, path, err.Error(), "write 90d, 12h or 30s")
		return
	}
	*into = d
}

func (r *reader) list(path string, n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		r.add(n, path, "want a list, have "+kindName(n), "write [one, two] or a line `- one` for each")
		return
	}
	list := reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.value(at, item, list.Index(i))
		if item.Kind == yaml.ScalarNode && item.Tag == "!!null" {
			r.add(item, at, "empty", "write a value, or take the line away")
		}
	}
	into.Set(list)
}

func (r *reader) structure(path string, n *yaml.Node, into reflect.Value) {
	fields := fieldsOf(into.Type())
	r.members(path, n, func(name *yaml.Node, at string, value *yaml.Node) {
		i, known := fields.index[name.Value]
		if !known {
			r.unknown(name, at, fields.names)
			return
		}
		r.value(at, value, into.Field(i))
	})
}

func (r *reader) unknown(name *yaml.Node, at string, known []string) {
	hint := "known are " + strings.Join(known, ", ")
	if near := register.Nearest(name.Value, known); near != "" {
		hint = "did you mean " + near + "?"
	} else if len(known) == 0 {
		hint = "there is nothing to set here yet"
	}
	r.add(name, at, "unknown field", hint)
}

// members calls each for every member of a mapping whose name is fit to be one.
func (r *reader) members(path string, n *yaml.Node, each func(name *yaml.Node, at string, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.add(n, path, "want fields with names, have "+kindName(n), "")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		at := member(path, name.Value)
		if line, twice := seen[name.Value]; twice {
			r.add(name, at, fmt.Sprintf("given twice, first on line %d", line), "keep one")
			continue
		}
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" || name.Anchor != "" {
			r.add(name, path, "a name is a plain text here", "")
			continue
		}
		seen[name.Value] = name.Line
		each(name, at, value)
	}
}

// plainName is a name that needs no quotes in a path.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// member is the path of a named value within path.
func member(path, name string) string {
	switch {
	case !plainName.MatchString(name):
		return path + "[" + strconv.Quote(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "fields with names"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "nothing"
		}
		return "a single value"
	}
	return "something else"
}
