package schedules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds of a definition file. A real one has a hundred lines; these keep
// aliases that multiply and files that are not definitions from costing much.
const (
	maxFileBytes = 256 << 10
	maxNodes     = 20_000 // after aliases are followed
	maxDepth     = 40
)

// node is a part of a definition file, with its position.
type node struct {
	value    any     // scalars: string, bool, int, int64, uint64, float64 or nil
	text     string  // scalars: as written, quotes taken off
	members  []*node // mappings: in order, each with its name
	items    []*node // sequences
	shape    shape
	name     string // of a member
	line     int    // of the value
	column   int
	nameLine int // of the member's name; of the value where there is none
	nameCol  int
}

// shape is what a node holds.
type shape int

const (
	scalar shape = iota
	mapping
	sequence
)

// readDocument turns YAML into nodes. What is wrong with the YAML itself is
// reported; nil means that nothing can be said of the content.
func readDocument(data []byte, r *report) *node {
	if len(data) > maxFileBytes {
		r.addAt(1, 1, "", fmt.Sprintf("the file has %d bytes, a definition at most %d", len(data), maxFileBytes), "")
		return nil
	}
	root := oneDocument(data, r)
	if root == nil {
		return nil
	}
	reader := documentReader{report: r}
	n := reader.read(root, nil, 0)
	if reader.refused {
		return nil
	}
	return n
}

// oneDocument reads the one YAML document of a file.
func oneDocument(data []byte, r *report) *yaml.Node {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		reportSyntax(err, r)
		return nil
	}
	var first, second yaml.Node
	err = loader.Load(&first)
	root := &first
	if root.Kind == yaml.DocumentNode && len(root.Content) > 0 {
		root = root.Content[0]
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		reportSyntax(err, r)
		return nil
	case root.Kind == 0 || root.Tag == "!!null":
		r.addAt(1, 1, "", "the file holds no definition", "")
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		r.addAt(max(second.Line, 1), 1, "", "a second definition begins here", "a file holds one")
		return nil
	case !errors.Is(err, io.EOF):
		reportSyntax(err, r)
		return nil
	}
	return root
}

// reportSyntax reports what the YAML reader says, with its position.
func reportSyntax(err error, r *report) {
	if one, ok := errors.AsType[*yaml.LoadError](err); ok && one.Mark.Line > 0 {
		r.addAt(one.Mark.Line, max(one.Mark.Column, 1), "", "not YAML: "+oneLine(one.Message), "")
		return
	}
	r.addAt(1, 1, "", "not YAML: "+oneLine(err.Error()), "")
}

// oneLine keeps a message of a library from breaking ours into lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// documentReader copies the YAML tree within bounds, following aliases.
type documentReader struct {
	report  *report
	nodes   int
	refused bool // a bound was met: the rest is not read
}

func (d *documentReader) read(from *yaml.Node, path []string, depth int) *node {
	at := from
	if from.Kind == yaml.AliasNode && from.Alias != nil {
		from = from.Alias
	}
	n := &node{line: at.Line, column: at.Column, nameLine: at.Line, nameCol: at.Column}
	if d.nodes++; d.nodes > maxNodes || depth > maxDepth {
		if !d.refused {
			d.refused = true
			d.report.add(n, nil, "too many or too deeply nested values", "a definition needs neither; are there aliases that repeat each other?")
		}
		return n
	}
	switch from.Kind {
	case yaml.MappingNode:
		n.shape = mapping
		d.readMembers(n, from, path, depth)
	case yaml.SequenceNode:
		n.shape = sequence
		for i, item := range from.Content {
			n.items = append(n.items, d.read(item, append(path, strconv.Itoa(i)), depth+1))
		}
	default:
		n.text, n.value = from.Value, scalarValue(from)
	}
	return n
}

func (d *documentReader) readMembers(n *node, from *yaml.Node, path []string, depth int) {
	lines := map[string]int{}
	for i := 0; i+1 < len(from.Content) && !d.refused; i += 2 {
		key := from.Content[i]
		if key.Kind == yaml.AliasNode && key.Alias != nil {
			key = key.Alias
		}
		at := &node{line: from.Content[i].Line, column: from.Content[i].Column}
		switch {
		case key.Kind != yaml.ScalarNode:
			d.report.add(at, path, "a name must be text", "")
		case key.Tag == "!!merge":
			d.report.add(at, path, "merge keys (`<<`) are not supported", "write the fields out")
		case lines[key.Value] > 0:
			d.report.add(at, append(path, key.Value), "is written twice",
				fmt.Sprintf("first on line %d", lines[key.Value]))
		default:
			lines[key.Value] = at.line
			member := d.read(from.Content[i+1], append(path, key.Value), depth+1)
			member.name, member.nameLine, member.nameCol = key.Value, at.line, at.column
			n.members = append(n.members, member)
		}
	}
}

// scalarValue gives a scalar as JSON would have it. Dates and what JSON has no
// word for stay text.
func scalarValue(n *yaml.Node) any {
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var v any
		if err := n.Decode(&v); err != nil {
			return n.Value
		}
		if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return n.Value
		}
		switch v.(type) {
		case nil, bool, int, int64, uint64, float64:
			return v
		}
	}
	return n.Value
}

// member gives the member of that name, or nil.
func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for _, m := range n.members {
		if m.name == name {
			return m
		}
	}
	return nil
}

// plain gives the node as the values that a JSON Schema validator takes.
func (n *node) plain() any {
	switch n.shape {
	case mapping:
		m := make(map[string]any, len(n.members))
		for _, member := range n.members {
			m[member.name] = member.plain()
		}
		return m
	case sequence:
		items := make([]any, len(n.items))
		for i, item := range n.items {
			items[i] = item.plain()
		}
		return items
	}
	return n.value
}

// find follows a path as far as the file goes, and tells whether it went all
// the way.
func (n *node) find(path []string) (found *node, whole bool) {
	for i, token := range path {
		next := n.member(token)
		if next == nil && token == "urls" {
			if next = n.member("url"); next != nil { // one address, written the short way
				return next, true
			}
		}
		if next == nil && n.shape == sequence {
			if index, err := strconv.Atoi(token); err == nil && index >= 0 && index < len(n.items) {
				next = n.items[index]
			}
		}
		if next == nil {
			return n, i == len(path)
		}
		n = next
	}
	return n, true
}
