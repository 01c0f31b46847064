package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// Register is a register that is defined, or in the store, or both.
type Register struct {
	Definition register.Definition // ID and Title only, where only the store knows the register
	Defined    bool
	Watched    bool // named by the configuration
	State      register.RegisterState
	Next       time.Time // zero: not known, or none while it is paused, disabled or not watched
}

// Registers gives every register: watched ones first, then the rest of the
// catalogue, then what only the store knows; each in the order of ids.
func (a *App) Registers(ctx context.Context) ([]Register, error) {
	states, err := a.Store.Registers(ctx)
	if err != nil {
		return nil, err
	}
	byID := map[string]register.RegisterState{}
	for _, state := range states {
		byID[state.ID] = state
	}
	var all []Register
	watched, others := a.definitions.all()
	for i, def := range slices.Concat(watched, others) {
		r := Register{Definition: def, Defined: true, Watched: i < len(watched), State: byID[def.ID]}
		r.Next = next(r, time.Now())
		all = append(all, r)
		delete(byID, def.ID)
	}
	for _, state := range states {
		if _, left := byID[state.ID]; left {
			all = append(all, Register{Definition: register.Definition{ID: state.ID, Title: state.Title}, State: state})
		}
	}
	return all, nil
}

// next is when a register will be due: as the scheduler saved it, or by its
// schedule if none runs.
func next(r Register, now time.Time) time.Time {
	if !r.Watched || r.Definition.Disabled || !r.State.PausedAt.IsZero() {
		return time.Time{}
	}
	if r.State.NextTick.After(now) {
		return r.State.NextTick
	}
	spec, err := schedules.Parse(r.Definition.Schedule.Cron, r.Definition.Schedule.Timezone)
	if err != nil {
		return time.Time{} // a loaded definition's schedule was parsed before
	}
	return spec.Next(now)
}

// Register gives one of them.
func (a *App) Register(ctx context.Context, id string) (Register, error) {
	all, err := a.Registers(ctx)
	if err != nil {
		return Register{}, err
	}
	for _, r := range all {
		if r.Definition.ID == id {
			return r, nil
		}
	}
	return Register{}, a.known(ctx, id)
}

// Fetchable refuses a register that is paused or disabled.
func (a *App) Fetchable(ctx context.Context, def register.Definition) error {
	if def.Disabled {
		return fmt.Errorf("%s is not fetched: its definition %s says `enabled: false`", def.ID, def.File)
	}
	r, err := a.Register(ctx, def.ID)
	if err == nil && !r.State.PausedAt.IsZero() {
		err = fmt.Errorf("%s is paused since %s: `regwatch resume %s` first", def.ID, r.State.PausedAt.UTC().Format(time.RFC3339), def.ID)
	}
	return err
}

// Pause keeps a register from being fetched until it is resumed.
func (a *App) Pause(ctx context.Context, id string) error {
	if err := a.known(ctx, id); err != nil {
		return err
	}
	return a.Store.Pause(ctx, id)
}

// Resume ends a pause.
func (a *App) Resume(ctx context.Context, id string) error {
	if err := a.known(ctx, id); err != nil {
		return err
	}
	return a.Store.Resume(ctx, id)
}

// Checked is what is to be said of one definition file.
type Checked struct {
	File       string
	Definition register.Definition // where nothing is wrong
	Problems   []Problem
}

// Problem is one thing wrong with a file. Line and column count from 1; they are
// 0 where the whole file is meant.
type Problem struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	text    string
}

// String gives the problem on one line, with file, line and column.
func (p Problem) String() string { return p.text }

// CheckDefinitions validates definition files, all of them, each on its own and
// against each other.
func CheckDefinitions(names []string) ([]Checked, error) {
	var sources []schedules.Source
	unread := map[string]error{}
	for _, name := range names {
		source, err := schedules.ReadFile(name)
		if err != nil {
			unread[name] = err
			continue
		}
		sources = append(sources, source)
	}
	definitions, err := schedules.Load(sources, checks...)
	problems, ok := errors.AsType[schedules.Errors](err)
	if err != nil && !ok {
		return nil, err
	}
	var checked []Checked
	for _, name := range names {
		c := Checked{File: name}
		if err := unread[name]; err != nil {
			c.Problems = append(c.Problems, Problem{Message: err.Error(), text: err.Error()})
		}
		for _, e := range problems {
			if e.File == name {
				c.Problems = append(c.Problems, Problem{Line: e.Line, Column: e.Column, Path: e.Path, Message: e.Message, Hint: e.Hint, text: e.Error()})
			}
		}
		for _, def := range definitions {
			if def.File == name {
				c.Definition = def
			}
		}
		checked = append(checked, c)
	}
	return checked, nil
}

// CheckConfigured validates the catalogue, and the definitions that the
// configuration names.
func CheckConfigured(options Options) ([]register.Definition, error) {
	cfg, err := loadConfig(options)
	if err != nil {
		return nil, err
	}
	set, err := loadDefinitions(cfg)
	if err != nil {
		return nil, err
	}
	watched, others := set.all()
	return slices.Concat(watched, others), nil
}

// DefinitionText gives the definition file of a register as it is written.
func (a *App) DefinitionText(id string) (string, error) {
	def, err := a.definitions.find(id)
	if err != nil {
		return "", err
	}
	shipped, err := schedules.Catalogue()
	if err != nil {
		return "", err
	}
	for _, source := range shipped {
		if source.Name == def.File {
			return string(source.Data), nil
		}
	}
	source, err := schedules.ReadFile(def.File)
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(source.Data), "\n") + "\n", nil
}
