package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/regwatch/regwatch/register"
)

// environment reads every field's variable; one that is empty counts as unset.
func (r *reader) environment(env func(string) (string, bool), c *Config) {
	r.variable = true
	r.variables(env, "", reflect.ValueOf(c).Elem())
}

func (r *reader) variables(env func(string) (string, bool), path string, into reflect.Value) {
	fields := fieldsOf(into.Type())
	for _, name := range fields.names {
		field, at := into.Field(fields.index[name]), member(path, name)
		if field.Kind() == reflect.Struct {
			r.variables(env, at, field)
			continue
		}
		text, set := env(variable(at))
		if !set || strings.TrimSpace(text) == "" {
			continue
		}
		r.source = variable(at)
		if n := r.parseVariable(text, field); n != nil {
			r.value(at, n, field)
		}
	}
}

// parseVariable turns a variable's text into a node: YAML for lists of objects,
// commas for lists of texts, and the text itself for the rest.
func (r *reader) parseVariable(text string, field reflect.Value) *yaml.Node {
	trimmed := strings.TrimSpace(text)
	switch field.Interface().(type) {
	case []string:
		if !strings.HasPrefix(trimmed, "[") {
			return commaList(trimmed)
		}
	case []register.Subscription, []register.Channel:
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: trimmed}
	}
	n, err := parse([]byte(text))
	if err != nil {
		r.syntax(err)
	}
	return n
}

func commaList(text string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: item})
		}
	}
	return list
}
