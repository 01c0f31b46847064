package schedules

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed definition.schema.json
var schemaText []byte

// Schema gives the JSON Schema (draft 2020-12) of a definition file: the one
// that [Load] checks with, for editors and documents.
func Schema() []byte { return bytes.Clone(schemaText) }

// schema is the JSON Schema, compiled, and as it is written.
type schema struct {
	compiled *jsonschema.Schema
	written  map[string]any
}

// newSchema compiles the embedded schema.
func newSchema() (*schema, error) {
	written, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err != nil {
		return nil, fmt.Errorf("read the schema of definitions: %w", err)
	}
	const name = "definition.schema.json"
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, written); err != nil {
		return nil, fmt.Errorf("read the schema of definitions: %w", err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("compile the schema of definitions: %w", err)
	}
	return &schema{compiled, written.(map[string]any)}, nil
}

// part gives the part of the written schema that a validator's location names:
// an address with a JSON pointer after "#".
func (s *schema) part(location string) map[string]any {
	_, pointer, _ := strings.Cut(location, "#")
	part := s.written
	for token := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
		if token == "" {
			continue
		}
		next, ok := part[token].(map[string]any)
		if !ok {
			return nil
		}
		part = next
	}
	return part
}

// properties gives the names that a part of the schema knows, sorted.
func properties(part map[string]any) []string {
	known, _ := part["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(known))
}

// homes finds where in the schema a property of that name belongs, as the paths
// of the objects that have it.
func homes(part map[string]any, name string, path []string) []string {
	var found []string
	known, _ := part["properties"].(map[string]any)
	for _, property := range slices.Sorted(maps.Keys(known)) {
		if property == name {
			found = append(found, pathText(path))
		}
		inner, _ := known[property].(map[string]any)
		found = append(found, homes(inner, name, append(path, property))...)
	}
	return found
}
