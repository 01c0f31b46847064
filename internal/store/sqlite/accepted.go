package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/register"
)

// moveEntries takes out of the head what ended and puts in what began, in this
// order, because one entry may take the place of another of the same key and
// content. It makes the changes of it.
func (w *work) moveEntries(ctx context.Context) error {
	if len(w.commit.Accepted) == 0 {
		return nil
	}
	end, err := w.tx.PrepareContext(ctx, endOne)
	if err != nil {
		return err
	}
	defer end.Close()
	begin := make([]version, 0, len(w.commit.Accepted))
	source := sourceOf(w.run)
	ended := map[register.Key][]register.Period{} // by this commit
	for i, a := range w.commit.Accepted {
		change := w.changeOf(a)
		source.complete(&change)
		if err := w.end(ctx, end, a, &change); err != nil {
			return fmt.Errorf("accepted change %d, %s: %w", i+1, a.Kind, err)
		}
		switch a.Kind {
		case register.Removed:
			ended[change.Key] = append(ended[change.Key], register.Period{From: change.FirstSeen, To: endOf(change)})
		case register.Relisted:
			change.EarlierPeriods = append(change.EarlierPeriods, ended[change.Key]...)
		}
		if a.Kind != register.Removed {
			begin = append(begin, version{*a.After, change.FirstSeen})
		}
		if w.run.Origin == register.Watch {
			w.head.Sequence++
			sequence := w.head.Sequence
			change.Sequence = &sequence
			change.ID = register.ChangeID(w.run.Register, 0, sequence, a)
		} else {
			change.ID = register.ChangeID(w.run.Register, w.run.ID, int64(i+1), a)
		}
		w.changes = append(w.changes, change)
	}
	return w.beginVersions(ctx, begin)
}

// changeOf gives the change without its id and source, as if it began with this
// run.
func (w *work) changeOf(a register.Accepted) register.Change {
	key := a.Key()
	c := register.Change{
		Register: w.run.Register, Kind: a.Kind, Origin: w.run.Origin, ObservedAt: w.run.ObservedAt,
		EntryID: key.ID(w.run.Register), Key: key,
		FirstSeen: w.run.ObservedAt, LastSeen: w.run.ObservedAt, EarlierPeriods: []register.Period{},
		Run: w.run.ID, Partial: w.run.Partial,
	}
	if a.Before != nil {
		c.Before = a.Before.Fields
	}
	if a.After != nil && a.Kind != register.Removed {
		c.After = a.After.Fields
	}
	if a.Kind == register.Rekeyed {
		previous := a.Before.Key
		c.PreviousKey = &previous
	}
	if !a.MissingSince.IsZero() {
		since := exact(a.MissingSince)
		c.MissingSince = &since
	}
	for _, p := range a.Earlier {
		c.EarlierPeriods = append(c.EarlierPeriods, register.Period{From: exact(p.From), To: exact(p.To)})
	}
	c.ListedOn, c.DelistedOn = claimedDates(a)
	return c
}

// source is what the changes of one run say by way of it.
type source struct {
	register.RunDefinition
	evidence register.Evidence
}

func sourceOf(run register.Run) source { return source{run.Source, run.Evidence()} }

// complete fills in what follows from the run and from the other fields.
func (s source) complete(c *register.Change) {
	c.Title, c.Authority, c.Country, c.Attribution = s.Title, s.Authority, s.Country, s.Attribution
	c.Evidence = s.evidence
	if c.Kind == register.Changed || c.Kind == register.Rekeyed {
		c.Differences = register.Differences(c.Before, c.After)
	}
}

// end takes out of the head what the change ends: an entry removed by absence
// from the first complete fetch without it on, anything else from this run on.
func (w *work) end(ctx context.Context, end *sql.Stmt, a register.Accepted, c *register.Change) error {
	if a.Kind == register.Added || a.Kind == register.Relisted {
		return nil
	}
	run, at := w.run.ID, endOf(*c)
	if a.Kind == register.Removed && a.MissingRun != 0 {
		run = a.MissingRun
	}
	firstSeen, err := endVersion(ctx, end, w.number, *a.Before, run, at)
	if err != nil {
		return err
	}
	c.FirstSeen = firstSeen
	if c.Kind == register.Removed && c.MissingSince != nil {
		seen, err := w.lastSighting(ctx, at)
		if err != nil {
			return fmt.Errorf("look for its last sighting: %w", err)
		}
		c.LastSeen = later(firstSeen, seen)
	}
	return nil
}

// lastSighting is the function of that name, asked once for those that went missing
// at one instant, as hundreds do.
func (w *work) lastSighting(ctx context.Context, before time.Time) (time.Time, error) {
	if w.sighted.seen.IsZero() || !w.sighted.before.Equal(before) {
		seen, err := lastSighting(ctx, w.tx, w.run.Register, before)
		if err != nil {
			return seen, err
		}
		w.sighted.before, w.sighted.seen = before, seen
	}
	return w.sighted.seen, nil
}

// endOf gives the instant at which a change ends what was listed before it.
func endOf(c register.Change) time.Time {
	if c.Kind == register.Removed && c.MissingSince != nil {
		return *c.MissingSince
	}
	return c.ObservedAt
}

// claimedDates gives the dates of listing and delisting that the register
// itself claims, in the row that shows the change.
func claimedDates(a register.Accepted) (listed, delisted register.Date) {
	shows := a.After
	if shows == nil {
		shows = a.Before
	}
	listed = date(shows.Fields.Get(register.FieldListedOn))
	if listed == "" && a.Before != nil {
		listed = date(a.Before.Fields.Get(register.FieldListedOn))
	}
	return listed, date(shows.Fields.Get(register.FieldDelistedOn))
}

// date gives the year, month or day that a value begins with; "" for a value
// that is no date.
func date(value string) register.Date {
	day := value
	if len(value) > len(time.DateOnly) && (value[len(time.DateOnly)] == 'T' || value[len(time.DateOnly)] == ' ') {
		day = value[:len(time.DateOnly)]
	}
	for _, layout := range []string{time.DateOnly, "2006-01", "2006"} {
		if _, err := time.Parse(layout, day); err == nil {
			return register.Date(day)
		}
	}
	return ""
}
