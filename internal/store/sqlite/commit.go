package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Commit records a run with everything it leaves, in one transaction that is on
// the disk when Commit returns: the run, the entries it brings and ends, the
// changes and the events of the outbox, the head and its memory. It gives the
// run with its id and counts, and the changes, complete, in the order in which
// they were accepted; nil where nothing was.
//
// It is safe to repeat. If the head has moved since it was read, the error is
// [register.ErrHeadMoved]; if a scheduled run of that tick is recorded already,
// [register.ErrAlreadyRun]. After any error nothing of the commit is there,
// unless the answer to the commit itself was lost: then a repetition meets one
// of these two.
//
// A baseline sets the head's entries. It is read once, while the write lock is
// held, and is not kept in memory; an entry that comes twice in it is an error.
// A failed run leaves its record, its memory and its signals. The ids of run,
// signals and changes, and the runs of a memory that are 0, are given here.
func (s *Store) Commit(ctx context.Context, c register.Commit) (register.Run, []register.Change, error) {
	w := &work{commit: c, run: exactRun(c.Run), at: exact(s.now())}
	if err := acceptable(c); err != nil {
		return register.Run{}, nil, fmt.Errorf("commit run of %s: %w", c.Run.Register, err)
	}
	if err := s.update(ctx, func(tx *sql.Tx) error { w.tx = tx; return w.do(ctx) }); err != nil {
		return register.Run{}, nil, fmt.Errorf("commit run of %s: %w", c.Run.Register, err)
	}
	s.recent.keepFirst(w.events)
	return w.run, w.changes, nil
}

// Tell records what is to be told of a register although no run was made: the
// memory and the signals of a commit, in one transaction as Commit does. The
// signals name the register's last run, if there is one. If the head has moved
// since it was read, the error is [register.ErrHeadMoved].
func (s *Store) Tell(ctx context.Context, c register.Commit) error {
	w := &work{commit: c, at: exact(s.now())}
	err := s.update(ctx, func(tx *sql.Tx) error { w.tx = tx; return w.tell(ctx) })
	if err != nil {
		return fmt.Errorf("tell of %s: %w", c.Run.Register, err)
	}
	return nil
}

func (w *work) tell(ctx context.Context) error {
	w.run = register.Run{Register: w.commit.Run.Register, Source: w.commit.Run.Source}
	if err := w.compareHead(ctx); err != nil {
		return err
	}
	err := w.tx.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM runs WHERE register = ?`, w.run.Register).Scan(&w.run.ID)
	if err != nil {
		return fmt.Errorf("look for the last run: %w", err)
	}
	w.head.Version++
	w.head.Memory = w.commit.Memory
	if err := saveHead(ctx, w.tx, w.head); err != nil {
		return fmt.Errorf("save head: %w", err)
	}
	return w.emitSignals(ctx)
}

// acceptable refuses a commit that contradicts itself.
func acceptable(c register.Commit) error {
	outcome := c.Run.Outcome
	switch {
	case c.Run.Register == "":
		return errors.New("it names no register")
	case outcome != register.OutcomeFailed && c.Run.ObservedAt.IsZero():
		return fmt.Errorf("outcome %s without the instant at which the register was observed", outcome)
	case outcome != register.OutcomeBaseline && c.Baseline != nil:
		return fmt.Errorf("outcome %s with entries of a baseline", outcome)
	case (outcome == register.OutcomeBaseline || outcome == register.OutcomeFailed) && len(c.Accepted) > 0:
		return fmt.Errorf("outcome %s with %d accepted changes", outcome, len(c.Accepted))
	}
	for i, a := range c.Accepted {
		needsBefore := a.Kind == register.Removed || a.Kind == register.Changed || a.Kind == register.Rekeyed
		if needsBefore && a.Before == nil || a.Kind != register.Removed && a.After == nil {
			return fmt.Errorf("accepted change %d: %s lacks an entry", i+1, a.Kind)
		}
		if a.MissingRun != 0 && a.MissingSince.IsZero() {
			return fmt.Errorf("accepted change %d: missing since run %s, and since no instant", i+1, a.MissingRun)
		}
	}
	return nil
}

// exactRun gives a run with its instants as the store keeps them.
func exactRun(r register.Run) register.Run {
	for _, t := range []*time.Time{&r.Tick, &r.StartedAt, &r.ObservedAt, &r.FinishedAt} {
		*t = exact(*t)
	}
	if r.PublishedAt != nil {
		published := exact(*r.PublishedAt)
		r.PublishedAt = &published
	}
	return r
}

// work is a commit under way, within its transaction.
type work struct {
	tx      *sql.Tx
	commit  register.Commit
	at      time.Time // of the commit
	head    register.Head
	number  int64 // of the register, in the table of versions
	run     register.Run
	changes []register.Change
	events  []register.Outgoing              // of the changes, those that the store keeps in mind
	sighted struct{ before, seen time.Time } // see lastSighting
}

// do writes what the commit leaves; the order is that of the references, and
// the cursor comes last. The driver starts a goroutine for each statement that can
// be canceled, so that it is told of none: when ctx ends the transaction does, and
// each statement after that fails. Those that take seconds are told of it.
func (w *work) do(canceled context.Context) error {
	ctx := context.WithoutCancel(canceled)
	if err := w.compareHead(ctx); err != nil {
		return err
	}
	w.count()
	if err := insertRun(ctx, w.tx, &w.run); err != nil {
		return err
	}
	if err := w.numberRegister(ctx); err != nil {
		return err
	}
	if err := w.setBaseline(ctx, canceled); err != nil {
		return err
	}
	if err := w.moveEntries(ctx); err != nil {
		return err
	}
	if err := w.moveHead(ctx); err != nil {
		return err
	}
	if err := w.emitSignals(ctx); err != nil {
		return err
	}
	return w.emitChanges(ctx)
}

// compareHead reads the head, and refuses if it is not the one that was judged.
func (w *work) compareHead(ctx context.Context) (err error) {
	if w.run.Trigger == register.TriggerSchedule {
		ran, err := ranAt(ctx, w.tx, w.run.Register, w.run.Tick)
		if err != nil {
			return err
		}
		if ran {
			return fmt.Errorf("tick %s: %w", stamp(w.run.Tick), register.ErrAlreadyRun)
		}
	}
	if w.head, err = readHead(ctx, w.tx, w.run.Register); err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	if w.head.Version != w.commit.HeadVersion {
		return fmt.Errorf("version %d was judged, now it is %d: %w", w.commit.HeadVersion, w.head.Version, register.ErrHeadMoved)
	}
	if w.head.Baselined && w.run.Outcome == register.OutcomeBaseline {
		return errors.New("a baseline for a register that has one")
	}
	if !w.head.Baselined && len(w.commit.Accepted) > 0 {
		return errors.New("changes of a register that has no baseline")
	}
	return nil
}

// count fills in what the run says of the head after it, save what a baseline
// brings: that is known when it was read.
func (w *work) count() {
	counts := register.CountOf(w.commit.Accepted)
	w.head.Entries += counts.Added + counts.Relisted - counts.Removed
	w.run.Counts = counts
	w.run.Entries = w.head.Entries
	w.run.Waiting = len(w.commit.Memory.Missing)
}

// moveHead writes the head that the run leaves.
func (w *work) moveHead(ctx context.Context) error {
	w.head.Version++
	w.head.Memory = w.commit.Memory
	w.head.Memory.Missing = slices.Clone(w.commit.Memory.Missing)
	for i := range w.head.Memory.Missing {
		if w.head.Memory.Missing[i].Run == 0 {
			w.head.Memory.Missing[i].Run = w.run.ID
		}
	}
	w.head.Memory.Parts = slices.Clone(w.commit.Memory.Parts)
	for i := range w.head.Memory.Parts {
		w.head.Memory.Parts[i] = cmp.Or(w.head.Memory.Parts[i], w.run.ID)
	}
	if held := w.head.Memory.Held; held != nil {
		own := *held
		own.Run, own.First = cmp.Or(own.Run, w.run.ID), cmp.Or(own.First, w.run.ID)
		w.head.Memory.Held = &own
	}
	if w.run.Outcome == register.OutcomeBaseline {
		w.head.Baselined = true
	}
	if w.run.Outcome == register.OutcomeBaseline || len(w.changes) > 0 {
		w.head.Run = w.run.ID
	}
	if isSighting(w.run) {
		w.head.SeenRun, w.head.SeenAt = w.run.ID, w.run.ObservedAt
		w.head.Origin = originAfter(w.head.Origin, w.run)
		if w.isBelieved() {
			w.head.BelievedRun = w.run.ID
		}
	}
	if isSighting(w.run) || w.run.Origin == register.Upgrade && w.run.Outcome != register.OutcomeFailed {
		w.head.Fingerprint = w.run.Fingerprint
	}
	if err := saveHead(ctx, w.tx, w.head); err != nil {
		return fmt.Errorf("save head: %w", err)
	}
	return nil
}

// isBelieved reports whether the head was seen on the pages of the run, which
// were whole: nothing of them is held, and no person has rejected them.
func (w *work) isBelieved() bool {
	m := w.commit.Memory
	return w.run.Outcome != register.OutcomeHeld && !slices.Contains(m.Rejected, m.Seen)
}

// originAfter says what the head was last seen by. A fetch closes the gap that
// an import left, although its own changes still have the import's origin; an
// upgrade fetches nothing and closes none.
func originAfter(before register.Origin, run register.Run) register.Origin {
	switch {
	case run.Trigger == register.TriggerImport:
		return register.Import
	case run.Origin == register.Upgrade:
		return before
	}
	return register.Watch
}
