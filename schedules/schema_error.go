package schedules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/regwatch/regwatch/register"
)

// check validates a file against the schema and reports every error in the
// words of this package, at its place in the file.
func (s *schema) check(r *report) {
	err := s.compiled.Validate(r.root.plain())
	if err == nil {
		return
	}
	if invalid, ok := errors.AsType[*jsonschema.ValidationError](err); ok {
		s.report(invalid, r)
	}
	if len(r.errors) == 0 { // an error that found no words here is one all the same
		r.add(r.root, nil, oneLine(err.Error()), "")
	}
}

func (s *schema) report(e *jsonschema.ValidationError, r *report) {
	switch e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		for _, cause := range e.Causes {
			s.report(cause, r)
		}
		return
	}
	path := e.InstanceLocation
	at, _ := r.root.find(path)
	part := s.part(e.SchemaURL)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			r.addName(at, append(slices.Clone(path), name), "is required", example(part, name))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			if m := at.member(name); m != nil {
				r.addName(m, append(slices.Clone(path), name), "unknown field "+nameText(name), s.meant(part, name))
			}
		}
	case *kind.PropertyNames:
		// The validator's location is not to be relied on here; only fields have such a rule.
		if m := r.root.member("fields").member(k.Property); m != nil {
			r.addName(m, []string{"fields", k.Property}, "is not a name of a field", text(part, "patternErrorMessage"))
		}
	case *kind.Not:
		r.addName(at, path, notBuilt(path, at), "")
	default:
		problem, hint := s.explain(e.ErrorKind, at, part)
		r.add(at, path, problem, hint)
	}
}

// explain says what one keyword of the schema found.
func (s *schema) explain(k jsonschema.ErrorKind, at *node, part map[string]any) (problem, hint string) {
	switch k := k.(type) {
	case *kind.Type:
		return fmt.Sprintf("want %s, got %s", typeNames(k.Want), typeName(k.Got)), typeHint(k, at)
	case *kind.Enum:
		var known []string
		for _, value := range k.Want {
			if name := fmt.Sprint(value); name != "xlsx" && name != "pdf" {
				known = append(known, name)
			}
		}
		if name := register.Nearest(at.text, known); name != "" {
			return shortened(at.text) + " is not one of " + strings.Join(known, ", "), "did you mean `" + name + "`?"
		}
		return shortened(at.text) + " is not one of " + strings.Join(known, ", "), ""
	case *kind.Pattern:
		return shortened(at.text) + " is not valid", text(part, "patternErrorMessage")
	case *kind.MinLength, *kind.MinItems, *kind.MinProperties:
		return "is empty", ""
	case *kind.MaxLength:
		return fmt.Sprintf("is %d characters long, at most %d are allowed", k.Got, k.Want), ""
	case *kind.Minimum:
		return fmt.Sprintf("%s is less than %s", at.text, k.Want.RatString()), ""
	case *kind.Maximum:
		return fmt.Sprintf("%s is more than %s", at.text, k.Want.RatString()), ""
	case *kind.UniqueItems:
		first := at.items[k.Duplicates[0]]
		return "names " + shortened(first.text) + " twice", ""
	}
	return oneLine(k.LocalizedString(message.NewPrinter(language.English))), ""
}

// notBuilt refuses by name what the contract knows and this release has not.
func notBuilt(path []string, at *node) string {
	name := pathText(path)
	if name == "parse.format" {
		name += ": " + at.text
	}
	return "`" + name + "` is not built yet"
}

// meant guesses what an unknown name was meant to be.
func (s *schema) meant(part map[string]any, name string) string {
	known := properties(part)
	if near := register.Nearest(name, known); near != "" {
		return "did you mean `" + near + "`?"
	}
	if places := homes(s.written, name, nil); len(places) > 0 {
		if places[0] == "" {
			return "it belongs at the top, beside `id`"
		}
		return "it belongs under " + quoted(places)
	}
	return "known here: " + strings.Join(known, ", ")
}

// example gives the schema's example of a property, as a hint.
func example(part map[string]any, name string) string {
	known, _ := part["properties"].(map[string]any)
	property, _ := known[name].(map[string]any)
	if examples, _ := property["examples"].([]any); len(examples) > 0 {
		return fmt.Sprintf("for example `%s: %v`", name, examples[0])
	}
	return ""
}

func text(part map[string]any, name string) string {
	s, _ := part[name].(string)
	return s
}

// typeHint tells how a value becomes of the type that is wanted.
func typeHint(k *kind.Type, at *node) string {
	if at.shape == scalar && slices.Contains(k.Want, "string") && k.Got != "null" {
		return "put it between quotes"
	}
	if slices.Contains(k.Want, "array") && plainName.MatchString(at.text) {
		return "write it as a list: [" + at.text + "]"
	}
	return ""
}

func typeNames(names []string) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = typeName(name)
	}
	return strings.Join(words, " or ")
}

// typeName is what people call a type of JSON.
func typeName(name string) string {
	switch name {
	case "string":
		return "text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "null":
		return "nothing"
	}
	return name
}
