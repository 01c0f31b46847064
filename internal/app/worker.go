package app

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/regwatch/regwatch/register"
)

// work makes the run that a due message asks for. The message is done when it
// returns nil; an error brings it back later.
func (s *service) work(ctx context.Context, due register.Due) error {
	def, err := s.Definition(due.Register)
	if err != nil {
		s.log.Warn("a register is due that nobody defines; the message is dropped", "register", due.Register)
		return nil //nolint:nilerr // to be brought again would not make it known
	}
	if def.Disabled { // since it became due
		return nil
	}
	paused, err := s.Store.Paused(ctx, due.Register)
	if err != nil || paused {
		return err
	}
	p := s.pipeline(s.scraper)
	p.Committed = s.committed
	run, changes, err := p.Run(ctx, def, due)
	switch {
	case errors.Is(err, register.ErrAlreadyRun):
		return nil
	case err != nil:
		return err
	}
	s.observe(run)
	s.log.Info("run", "register", run.Register, "run", run.ID, "outcome", run.Outcome, "changes", len(changes),
		"entries", run.Entries, "waiting", run.Waiting, "took", run.FinishedAt.Sub(run.StartedAt).Round(time.Millisecond), "reason", run.Reason)
	if run.Entries >= largeRun && !run.NotModified {
		time.AfterFunc(giveBackAfter, giveBack(run))
	}
	return nil
}

// giveBack is what gives back the memory that a large run took. A first fetch, a hold
// and a flood take what nothing else will take again. Other changes come as often as the
// register changes: after a collection the runtime keeps what it is used to, which the
// next of them would have to touch anew, page by page, before its first event goes out.
func giveBack(run register.Run) func() {
	usual := run.Outcome == register.OutcomeChanged || run.Outcome == register.OutcomeUnchanged
	if usual && run.Counts.Total() < manyChanges {
		return runtime.GC
	}
	return debug.FreeOSMemory
}

// From largeRun entries on the memory that a run took is given back, and all of it when
// the run brought manyChanges: the next such may be a day away. That stops everything for
// a moment, and writing a large index keeps a processor and the disk busy: the index
// waits so long after the commit, and the memory after the run, by when what was
// committed is delivered as a rule.
const (
	largeRun      = 100_000
	manyChanges   = 20_000
	indexAfter    = 2 * time.Second
	giveBackAfter = 5 * time.Second
)

// committed has the events of a run carried to their stream, and lets them go ahead of
// what a large run leaves to be done.
func (s *service) committed(ctx context.Context, run register.Run) {
	s.relay.Wake()
	if run.Entries < largeRun || run.Counts.Total() == 0 {
		return
	}
	select {
	case <-time.After(indexAfter):
	case <-ctx.Done():
	}
}

// tidyEvery is how often the archive is thinned.
const tidyEvery = 24 * time.Hour

// tidy thins the archive to what is to be kept, now and then daily.
func (s *service) tidy(ctx context.Context) error {
	for {
		if err := s.thin(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the archive was not thinned; trying again tomorrow", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(tidyEvery):
		}
	}
}

// graceForNew protects bodies whose run is not recorded yet.
const graceForNew = 24 * time.Hour

func (s *service) thin(ctx context.Context) error {
	now := time.Now()
	kept, err := s.Store.Keep(ctx, now, s.Config.Archive.Keep)
	if err != nil {
		return err
	}
	removed, err := s.Archive.Sweep(ctx, func(sha256 string) bool { return kept[sha256] }, now.Add(-graceForNew))
	if err == nil && removed.Objects > 0 {
		s.log.Info("the archive was thinned", "bodies", removed.Objects, "bytes", removed.Stored)
	}
	return err
}
