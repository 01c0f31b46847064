package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/regwatch/regwatch/internal/bus"
	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/register"
)

// Verdict of the doctor on one thing.
type Verdict string

// A warning leaves the service able to do its work, a failure does not.
const (
	Fine    Verdict = "ok"
	Warning Verdict = "warn"
	Broken  Verdict = "fail"
)

// Finding is what the doctor says of one thing.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail"` // may have several lines
	Next    string  `json:"what_to_do,omitempty"`
}

// Doctor examines configuration, definitions, store, archive, deliveries,
// broker, network, clock and disk, and tells of each as soon as it is known. It
// changes nothing but what opening the store and the broker makes. What another
// check needs and is broken, ends it.
func Doctor(ctx context.Context, options Options, tell func(Finding)) {
	cfg, err := loadConfig(options)
	if err != nil {
		tell(Finding{"configuration", Broken, err.Error(), "mend the file; docs/configuration.md explains every field"})
		return
	}
	tell(aboutConfig(cfg))
	definitions, err := loadDefinitions(cfg)
	if err != nil {
		tell(Finding{"definitions", Broken, err.Error(), "mend them until `regwatch registers check` finds nothing"})
		return
	}
	tell(aboutDefinitions(definitions))
	a, err := open(ctx, options, cfg, definitions)
	if err != nil {
		tell(Finding{"data directory", Broken, err.Error(), "see that the user who runs regwatch may write there, or choose another with --data"})
		return
	}
	defer func() { _ = a.Close() }() // nothing was written that could be lost
	for _, examine := range []func(context.Context) []Finding{
		a.aboutStore, a.aboutArchive, a.aboutRegisters, a.aboutDeliveries, a.aboutBroker, a.aboutNetwork, a.aboutClock, a.aboutDisk,
	} {
		for _, finding := range examine(ctx) {
			tell(finding)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func aboutConfig(cfg config.Config) Finding {
	file := cfg.File()
	if file == "" {
		return Finding{"configuration", Warning, "no file; everything has its default, and nothing is watched", "`regwatch init` writes one to start from"}
	}
	switch {
	case len(cfg.Subscriptions) == 0:
		return Finding{"configuration", Warning, file + ": nobody is told of changes", "write `subscriptions`"}
	case len(cfg.Operators) == 0:
		return Finding{"configuration", Warning, file + ": nobody is told when a register fails", "name a channel under `operators`"}
	}
	return Finding{Check: "configuration", Verdict: Fine, Detail: file}
}

func aboutDefinitions(set *definitionSet) Finding {
	watched, others := set.all()
	f := Finding{Check: "definitions", Verdict: Fine, Detail: fmt.Sprintf("%d watched, %d more in the catalogue", len(watched), len(others))}
	if len(watched) == 0 {
		f.Verdict, f.Next = Warning, "name registers under `registers`; `regwatch registers list` shows them"
	}
	return f
}

func (a *App) aboutStore(ctx context.Context) []Finding {
	if err := a.Store.Check(ctx); err != nil {
		return []Finding{{"store", Broken, err.Error(), "stop the service, keep a copy of the data directory, and restore a backup"}}
	}
	stats, err := a.Store.Stats(ctx)
	if err != nil {
		return []Finding{{"store", Broken, err.Error(), "see that the data directory can be read"}}
	}
	return []Finding{{Check: "store", Verdict: Fine, Detail: fmt.Sprintf("sound; %s; registers %d, runs %d, entries %d, changes %d; %d versions of entries of %d not in the index of searches yet",
		size(stats.Bytes), stats.Registers, stats.Runs, stats.Entries, stats.Changes, stats.Unindexed, stats.Versions)}}
}

// growthOver is the time for which the archive's growth is told.
const growthOver = 30 * 24 * time.Hour

func (a *App) aboutArchive(ctx context.Context) []Finding {
	var bodies int
	var held, grown int64
	recent := time.Now().Add(-growthOver)
	for object, err := range a.Archive.List(ctx) {
		if err != nil {
			return []Finding{{"archive", Broken, err.Error(), "see that the data directory can be read"}}
		}
		bodies++
		held += object.Stored
		if object.StoredAt.After(recent) {
			grown += object.Stored
		}
	}
	return []Finding{{Check: "archive", Verdict: Fine, Detail: fmt.Sprintf("%d bodies, %s on disk, %s of it from the last 30 days; bodies are kept for %s, those that a change rests on for ever",
		bodies, size(held), size(grown), days(a.Config.Archive.Keep))}}
}

// aboutRegisters tells of watched registers that can not be read.
func (a *App) aboutRegisters(ctx context.Context) []Finding {
	all, err := a.Registers(ctx)
	if err != nil {
		return []Finding{{"registers", Broken, err.Error(), ""}}
	}
	var findings []Finding
	for _, r := range all {
		id := r.Definition.ID
		story := r.State.Head.Memory.Failing
		switch {
		case !r.Watched:
		case story != nil:
			findings = append(findings, Finding{
				Check: "register " + id, Verdict: Warning, Detail: fmt.Sprintf("fails since %s: %s", stamp(story.Since), story.Reason),
				Next: "`regwatch runs --register " + id + "` shows what came",
			})
		case !r.State.PausedAt.IsZero():
			findings = append(findings, Finding{"register " + id, Warning, "paused since " + stamp(r.State.PausedAt), "`regwatch resume " + id + "`"})
		}
	}
	return findings
}

func (a *App) aboutDeliveries(ctx context.Context) []Finding {
	stats, err := a.Store.Stats(ctx)
	if err != nil {
		return []Finding{{"deliveries", Broken, err.Error(), ""}}
	}
	f := Finding{Check: "deliveries", Verdict: Fine, Detail: fmt.Sprintf("%d delivered, %d pending, %d given up; %d events not routed yet",
		stats.Deliveries[register.DeliveryDelivered], stats.Deliveries[register.DeliveryPending], stats.Deliveries[register.DeliveryDead], stats.Unrouted)}
	if stats.Deliveries[register.DeliveryDead] > 0 {
		f.Verdict, f.Next = Warning, "`regwatch deliveries --dead` says why; `regwatch redeliver --dead` sends them again"
	}
	return []Finding{f}
}

// aboutBroker asks the running service, or, where none runs, tries whether the
// broker can be opened. It never opens the files of a broker that runs.
func (a *App) aboutBroker(ctx context.Context) []Finding {
	lock := flock.New(filepath.Join(a.Config.Data, lockFile))
	free, err := lock.TryLock()
	if err != nil {
		return []Finding{{"broker", Broken, "lock data directory: " + err.Error(), "see that the user who runs regwatch may write there"}}
	}
	if !free {
		return []Finding{a.aboutService(ctx)}
	}
	defer func() { _ = lock.Unlock() }() // the lock ends with the process in any case
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	full, err := a.tryBroker(ctx)
	if err != nil {
		return []Finding{{"broker", Broken, err.Error(), "see `nats` in the configuration, and that there is room on the disk"}}
	}
	f := Finding{Check: "broker", Verdict: Fine, Detail: "starts and stores messages; no service is running now"}
	if full != "" {
		f.Verdict, f.Detail, f.Next = Warning, full, "its oldest messages go soon; nothing is lost: the store keeps every change"
	}
	return []Finding{f}
}

const brokerTimeout = 15 * time.Second

// tryBroker opens the broker and closes it again; full names a stream that is
// nearly full.
func (a *App) tryBroker(ctx context.Context) (full string, err error) {
	options, err := (&service{App: a}).busOptions()
	if err != nil {
		return "", err
	}
	broker, err := bus.Open(ctx, options)
	if err != nil {
		return "", err
	}
	streams, err := broker.Usage(ctx)
	for _, stream := range streams {
		if stream.Share() >= bus.AlarmShare {
			full = fmt.Sprintf("the stream %s is %.0f %% full", stream.Stream, 100*stream.Share())
		}
	}
	return full, errors.Join(err, broker.Health(ctx), broker.Close(ctx))
}

func (a *App) aboutService(ctx context.Context) Finding {
	status, answer, err := ask(ctx, a.Config.HTTP.Listen, "/readyz")
	switch {
	case err != nil:
		return Finding{"service", Warning, "runs, and does not answer: " + err.Error(), "if it runs without the role serve, that is as it should be; else see http.listen"}
	case status != 200:
		return Finding{"service", Broken, "runs, and is not ready: " + answer, "its log says more"}
	}
	return Finding{Check: "service", Verdict: Fine, Detail: "runs on this data directory and is ready, its broker too"}
}

func days(d time.Duration) string { return fmt.Sprintf("%.0f days", d.Hours()/24) }

// size gives bytes for people.
func size(bytes int64) string {
	const unit = 1000
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	value, names := float64(bytes)/unit, "kMGTPE"
	for value >= unit {
		value, names = value/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %cB", value, names[0])
}
