package app

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
	"github.com/regwatch/regwatch/scraper"
)

// definitionSet is every definition that is known: those that ship, and those
// of the configuration, which are watched. It may be replaced while it is read.
type definitionSet struct {
	mu      sync.RWMutex
	shipped map[string]register.Definition
	watched map[string]register.Definition
}

// loadDefinitions reads the catalogue and the configuration's own files. An own
// file may stand in for a shipped definition of the same id.
func loadDefinitions(cfg config.Config) (*definitionSet, error) {
	shipped, err := Shipped()
	if err != nil {
		return nil, err
	}
	set := &definitionSet{shipped: shipped, watched: map[string]register.Definition{}}
	var files []schedules.Source
	for _, name := range cfg.Registers {
		if !isFile(name) {
			def, ok := shipped[name]
			if !ok {
				return nil, unknownRegister(name, shipped)
			}
			set.watched[name] = def
			continue
		}
		file, err := schedules.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	own, err := schedules.Load(files, checks...)
	if err != nil {
		return nil, err
	}
	for _, def := range own {
		set.watched[def.ID] = def
	}
	return set, nil
}

// checks are what the parts say of their own part of a definition.
var checks = []func(register.Definition) []register.FieldError{scraper.Check, differ.Check}

// Shipped gives the definitions of the catalogue, by id.
func Shipped() (map[string]register.Definition, error) {
	files, err := schedules.Catalogue()
	if err != nil {
		return nil, err
	}
	definitions, err := schedules.Load(files, checks...)
	if err != nil {
		return nil, fmt.Errorf("load the catalogue: %w", err)
	}
	byID := map[string]register.Definition{}
	for _, def := range definitions {
		byID[def.ID] = def
	}
	return byID, nil
}

// CheckFiles validates definition files and returns what they define; the error
// lists everything that is wrong with all of them.
func CheckFiles(names []string) ([]register.Definition, error) {
	var files []schedules.Source
	for _, name := range names {
		file, err := schedules.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return schedules.Load(files, checks...)
}

// DefinitionFile loads one definition file.
func DefinitionFile(name string) (register.Definition, error) {
	definitions, err := CheckFiles([]string{name})
	if err != nil {
		return register.Definition{}, err
	}
	return definitions[0], nil
}

func (s *definitionSet) find(id string) (register.Definition, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if def, ok := s.watched[id]; ok {
		return def, nil
	}
	if def, ok := s.shipped[id]; ok {
		return def, nil
	}
	known := maps.Clone(s.shipped)
	maps.Copy(known, s.watched)
	return register.Definition{}, unknownRegister(id, known)
}

func (s *definitionSet) watches(id string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.watched[id]
	return ok
}

// all gives every definition, watched ones first, each in the order of ids.
func (s *definitionSet) all() (watched, others []register.Definition) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range slices.Sorted(maps.Keys(s.watched)) {
		watched = append(watched, s.watched[id])
	}
	for _, id := range slices.Sorted(maps.Keys(s.shipped)) {
		if _, ok := s.watched[id]; !ok {
			others = append(others, s.shipped[id])
		}
	}
	return watched, others
}

// replace puts another set in force, and gives the one that was.
func (s *definitionSet) replace(other *definitionSet) (old *definitionSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = &definitionSet{shipped: s.shipped, watched: s.watched}
	s.shipped, s.watched = other.shipped, other.watched
	return old
}

func unknownRegister(id string, known map[string]register.Definition) error {
	return fmt.Errorf("no register %q: %w; known are %s; for one of your own, give the path of its definition file under `registers`",
		id, register.ErrNotFound, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
}

func isFile(name string) bool {
	extension := filepath.Ext(name)
	return extension == ".yaml" || extension == ".yml" || strings.ContainsRune(name, filepath.Separator)
}
