package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Changes yields the changes that the filter names, in the order of their
// commits.
func (a *App) Changes(ctx context.Context, filter register.ChangeFilter, yield func(register.Change) error) error {
	if filter.Register != "" {
		if err := a.known(ctx, filter.Register); err != nil {
			return err
		}
	}
	return a.Store.Changes(ctx, filter, yield)
}

// AsOf yields a register's entries as they stood at an instant, the zero time
// being now, in the order in which they joined its history.
func (a *App) AsOf(ctx context.Context, id string, at time.Time, yield func(register.Listing) error) error {
	if err := a.known(ctx, id); err != nil {
		return err
	}
	return a.seen(ctx, id, a.Store.AsOf(ctx, id, at, yield))
}

// Between yields what is different between a register as it stood at one instant
// and at a later one. What came and went in between is not told. The changes
// have no id, run or times: they are computed and not recorded.
func (a *App) Between(ctx context.Context, id string, from, to time.Time, yield func(register.Change) error) error {
	if err := a.known(ctx, id); err != nil {
		return err
	}
	def, err := a.definitions.find(id)
	if err != nil {
		def = register.Definition{ID: id} // in the store only
	}
	err = a.Store.Net(ctx, id, from, to, func(d register.Accepted) error { return yield(comparison(def, d)) })
	return a.seen(ctx, id, err)
}

// seen says what to do where a register has no history for the question.
func (a *App) seen(ctx context.Context, id string, err error) error {
	if !errors.Is(err, register.ErrNotFound) {
		return err
	}
	head, headErr := a.Store.Head(ctx, id)
	if headErr != nil {
		return headErr
	}
	if !head.Baselined {
		return fmt.Errorf("nothing is known of %s yet: %w; `regwatch fetch %s` makes a first run, `regwatch import` takes archived versions", id, register.ErrNotFound, id)
	}
	return fmt.Errorf("nothing was known of %s at that time: %w; its history begins with its baseline, see `regwatch runs --register %s`", id, register.ErrNotFound, id)
}

// known refuses the id of a register that is neither defined nor in the store.
func (a *App) known(ctx context.Context, id string) error {
	_, undefined := a.definitions.find(id)
	if undefined == nil {
		return nil
	}
	states, err := a.Store.Registers(ctx)
	if err != nil {
		return err
	}
	for _, state := range states {
		if state.ID == id {
			return nil
		}
	}
	return undefined
}

// Runs gives the runs that the filter names, newest first.
func (a *App) Runs(ctx context.Context, filter register.RunFilter) ([]register.Run, error) {
	if filter.Register != "" {
		if err := a.known(ctx, filter.Register); err != nil {
			return nil, err
		}
	}
	return a.Store.Runs(ctx, filter)
}

// Run gives one run.
func (a *App) Run(ctx context.Context, id register.RunID) (register.Run, error) {
	run, err := a.Store.Run(ctx, id)
	if errors.Is(err, register.ErrNotFound) {
		return run, fmt.Errorf("no run %s: %w; `regwatch runs` lists them", id, register.ErrNotFound)
	}
	return run, err
}

// Approve believes what a register's latest held run shows, judged anew against
// the head as it is now.
func (a *App) Approve(ctx context.Context, id register.RunID) (register.Run, []register.Change, error) {
	def, err := a.heldBy(ctx, id, "approve")
	if err != nil {
		return register.Run{}, nil, err
	}
	return a.pipeline(a.scraper).Approve(ctx, def, id)
}

// Reject drops what a register's latest held run shows, and does not raise the
// same content again.
func (a *App) Reject(ctx context.Context, id register.RunID) (register.Run, error) {
	def, err := a.heldBy(ctx, id, "reject")
	if err != nil {
		return register.Run{}, err
	}
	run, _, err := a.pipeline(a.scraper).Reject(ctx, def, id)
	return run, err
}

// heldBy gives the definition of a run's register, if the run is the one that
// can be decided.
func (a *App) heldBy(ctx context.Context, id register.RunID, verb string) (register.Definition, error) {
	run, err := a.Run(ctx, id)
	if err != nil {
		return register.Definition{}, err
	}
	head, err := a.Store.Head(ctx, run.Register)
	if err != nil {
		return register.Definition{}, err
	}
	switch held := head.Memory.Held; {
	case held == nil && run.Outcome == register.OutcomeHeld:
		return register.Definition{}, fmt.Errorf("what run %s of %s held is decided already: there is nothing to %s", id, run.Register, verb)
	case held == nil:
		return register.Definition{}, fmt.Errorf("run %s of %s is not held, its outcome is %s: there is nothing to %s; `regwatch runs --held` lists what is",
			id, run.Register, run.Outcome, verb)
	case held.Run != id:
		return register.Definition{}, fmt.Errorf("run %s is not the latest held run of %s, that is run %s: `regwatch %s %s`",
			id, run.Register, held.Run, verb, held.Run)
	}
	return a.Definition(run.Register)
}

// FieldNames gives the names of a register's fields: those that its definition
// declares, or, where only the store knows the register, those that its entries
// have, in the order in which they are met.
func (a *App) FieldNames(ctx context.Context, id string) ([]string, error) {
	var names []string
	if def, err := a.definitions.find(id); err == nil {
		for _, field := range def.Fields {
			names = append(names, field.Name)
		}
		return names, nil
	}
	met := map[string]bool{}
	err := a.AsOf(ctx, id, time.Time{}, func(l register.Listing) error {
		for _, field := range l.Fields {
			if !met[field.Name] {
				met[field.Name] = true
				names = append(names, field.Name)
			}
		}
		return nil
	})
	return names, err
}
