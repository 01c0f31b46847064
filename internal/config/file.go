package config

import (
	"errors"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// file reads the YAML text of the configuration file.
func (r *reader) file(text []byte, c *Config) {
	root, err := parse(text)
	if err != nil {
		r.syntax(err)
		return
	}
	if root == nil { // nothing but comments
		r.positions[""] = position{r.source, 1, 1}
		return
	}
	r.value("", root, reflect.ValueOf(c).Elem())
}

// parse gives the one node of a YAML text; nil where there is none.
func parse(text []byte) (*yaml.Node, error) {
	var documents []yaml.Node
	if err := yaml.Load(text, &documents, yaml.WithAllDocuments(), yaml.WithUniqueKeys(false)); err != nil {
		return nil, err
	}
	switch {
	case len(documents) == 0:
		return nil, nil
	case len(documents) > 1:
		return nil, errors.New("more than one document; take the line `---` away")
	}
	root := &documents[0]
	if root.Kind == yaml.DocumentNode {
		if len(root.Content) == 0 {
			return nil, nil
		}
		root = root.Content[0]
	}
	return root, nil
}

// syntax reports what the YAML parser could not read.
func (r *reader) syntax(err error) {
	at, message := position{r.source, 1, 1}, err.Error()
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		message = load.Message
		if load.ContextMsg != "" {
			message = load.ContextMsg + ", " + message
		}
		at.line, at.column = max(load.Mark.Line, 1), max(load.Mark.Column, 1)
	}
	if r.variable {
		at = position{source: r.source}
	}
	r.addAt(at, "", "not YAML: "+strings.TrimPrefix(message, "yaml: "), "")
}
