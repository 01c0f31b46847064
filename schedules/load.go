package schedules

import (
	"fmt"
	"os"

	"github.com/regwatch/regwatch/register"
)

// Source is a definition file.
type Source struct {
	Name string // as it is called in errors
	Data []byte
}

// Check examines a part of a definition that another package owns. The paths of
// its errors are those of the file: "parse.rows", "fields.name.from[1]".
type Check = func(register.Definition) []register.FieldError

// ReadFile reads a definition file from disk.
func ReadFile(path string) (Source, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Source{}, fmt.Errorf("read definition: %w", err)
	}
	return Source{Name: path, Data: data}, nil
}

// Load reads definitions, one of each file, in the order given. The error, if
// any, is [Errors]: everything that is wrong with any of them. The definitions
// of files without an error are given in either case.
//
// Checks are asked about every definition that could be read, also one that has
// errors already; they must not rely on what the definition should hold.
func Load(files []Source, checks ...Check) ([]register.Definition, error) {
	s, err := newSchema()
	if err != nil {
		return nil, err
	}
	var definitions []register.Definition
	var all Errors
	places := map[string]string{} // id → file and line of its definition
	for _, file := range files {
		r := &report{file: file.Name}
		definition := s.load(file, r, checks)
		if id := r.root.member("id"); id != nil && definition.ID != "" {
			place := fmt.Sprintf("%s:%d", file.Name, id.line)
			if first, taken := places[definition.ID]; taken {
				r.add(id, []string{"id"}, fmt.Sprintf("`%s` is the id of %s already", definition.ID, first), "an id names one register")
			} else {
				places[definition.ID] = place
			}
		}
		r.errors.sortByPosition()
		all = append(all, r.errors...)
		if len(r.errors) == 0 {
			definitions = append(definitions, definition)
		}
	}
	if len(all) > 0 {
		return definitions, all
	}
	return definitions, nil
}

// load reads one file and reports everything wrong with it by itself.
func (s *schema) load(file Source, r *report, checks []Check) register.Definition {
	r.shaping = true
	if r.root = readDocument(file.Data, r); r.root == nil {
		return register.Definition{}
	}
	s.check(r)
	definition := decoder{r}.definition(r.root)
	r.shaping = false
	if r.root.shape != mapping {
		return definition
	}
	for _, e := range checkDefinition(definition, r.root) {
		r.addField(e)
	}
	for _, check := range checks {
		for _, e := range check(definition) {
			r.addField(e)
		}
	}
	return definition
}
