package config

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/regwatch/regwatch/register"
)

// channels reads the mapping of names to channels, in the file's order.
func (r *reader) channels(path string, n *yaml.Node, into *[]register.Channel) {
	*into = nil
	r.members(path, n, func(name *yaml.Node, at string, value *yaml.Node) {
		r.positions[at] = r.positionOf(name)
		c := register.Channel{Name: name.Value, Settings: map[string]any{}}
		*into = append(*into, c)
		if r.aliased(at, value) {
			return
		}
		r.members(at, value, func(setting *yaml.Node, at string, value *yaml.Node) {
			v := r.setting(at, value)
			if setting.Value != "type" {
				c.Settings[setting.Value] = v
				return
			}
			text, ok := v.(string)
			if !ok {
				r.add(value, at, "want a text, have "+kindName(value), "")
			}
			(*into)[len(*into)-1].Type = text
		})
	})
}

// setting reads a value whose meaning only its channel knows: nil, string, bool,
// int, float64, []any or map[string]any.
func (r *reader) setting(path string, n *yaml.Node) any {
	r.positions[path] = r.positionOf(n)
	switch {
	case r.aliased(path, n):
		return nil
	case n.Kind == yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.setting(fmt.Sprintf("%s[%d]", path, i), item)
		}
		return list
	case n.Kind == yaml.MappingNode:
		object := map[string]any{}
		r.members(path, n, func(name *yaml.Node, at string, value *yaml.Node) {
			object[name.Value] = r.setting(at, value)
		})
		return object
	}
	return r.settingScalar(path, n)
}

func (r *reader) settingScalar(path string, n *yaml.Node) any {
	switch n.Tag {
	case "!!null", "!!bool", "!!int", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			r.add(n, path, "not a value that can be read", "put it between quotes")
		}
		return v
	}
	return n.Value
}
