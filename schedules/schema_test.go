package schedules_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/regwatch/regwatch/schedules"
)

// An editor shows descriptions: every property, and every part that has a type,
// must have one.
func TestEveryPropertyIsDescribed(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal(schedules.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	seen := 0
	var look func(path string, part map[string]any)
	look = func(path string, part map[string]any) {
		seen++
		if text, _ := part["description"].(string); text == "" {
			t.Errorf("%s has no description", path)
		}
		if part["type"] == "object" && part["additionalProperties"] == nil {
			t.Errorf("%s does not say what else it may hold", path)
		}
		for _, group := range []string{"properties", "$defs"} {
			parts, _ := part[group].(map[string]any)
			for name, inner := range parts {
				look(path+"."+name, inner.(map[string]any))
			}
		}
		for _, name := range []string{"items", "additionalProperties"} {
			if inner, ok := part[name].(map[string]any); ok {
				look(path+"."+name, inner)
			}
		}
	}
	look("definition", schema)
	if seen < 60 {
		t.Errorf("only %d parts were looked at", seen)
	}
}

func TestSchemaIsACopy(t *testing.T) {
	t.Parallel()
	schedules.Schema()[0] = 'x'
	if first := schedules.Schema()[0]; first != '{' {
		t.Errorf("begins with %q", fmt.Sprintf("%c", first))
	}
}
