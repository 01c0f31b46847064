package app

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/register"
)

// Imported is what came of one archived version.
type Imported struct {
	File       string           `json:"file"`
	ObservedAt time.Time        `json:"observed_at"`
	Outcome    register.Outcome `json:"outcome"`
	Added      int              `json:"added"`
	Removed    int              `json:"removed"`
	Changed    int              `json:"changed"`
	Relisted   int              `json:"relisted"`
	Rekeyed    int              `json:"rekeyed"`
	Entries    int              `json:"entries"`
	Reason     string           `json:"reason"`
	Waiting    int              `json:"waiting"`
	Done       int              `json:"-"` // versions judged so far
	Total      int              `json:"-"` // versions in the directory
}

// OutcomeSkipped is what an import says of a version that is not newer than the
// head.
const OutcomeSkipped register.Outcome = "skipped"

// Import backfills a register's history from a directory of archived versions,
// oldest first, through the same gates as a fetch. Each version is one tick.
// Its changes have origin import and are delivered to nobody. Tell is called
// after each version, note for each file that is none.
func (a *App) Import(ctx context.Context, def register.Definition, dir string, tell func(Imported), note func(string)) error {
	versions, err := versionsIn(dir, note)
	if err != nil {
		return err
	}
	for i, v := range versions {
		result, err := a.importVersion(ctx, def, v)
		if err != nil {
			return fmt.Errorf("import %s: %w", v.path, err)
		}
		result.Done, result.Total = i+1, len(versions)
		tell(result)
	}
	return nil
}

func (a *App) importVersion(ctx context.Context, def register.Definition, v version) (Imported, error) {
	head, err := a.Store.Head(ctx, def.ID)
	if err != nil {
		return Imported{}, err
	}
	if !head.SeenAt.IsZero() && !v.at.After(head.SeenAt) {
		return Imported{
			File: filepath.Base(v.path), ObservedAt: v.at, Outcome: OutcomeSkipped, Entries: head.Entries,
			Reason: "not newer than the head, last seen " + head.SeenAt.UTC().Format(time.RFC3339),
		}, nil
	}
	saved := pipeline.Saved{Name: filepath.Base(v.path), SavedAt: v.at, Open: opener(v.path), Archive: bodies{a.Archive}}
	due := register.Due{Register: def.ID, Tick: v.at, Trigger: register.TriggerImport}
	run, _, err := a.pipeline(saved).Run(ctx, def, due)
	if err != nil {
		return Imported{}, err
	}
	return Imported{
		File: filepath.Base(v.path), ObservedAt: v.at, Outcome: run.Outcome,
		Added: run.Counts.Added, Removed: run.Counts.Removed, Changed: run.Counts.Changed,
		Relisted: run.Counts.Relisted, Rekeyed: run.Counts.Rekeyed,
		Entries: run.Entries, Waiting: run.Waiting, Reason: run.Reason,
	}, nil
}

// version is one archived file with the time that its name begins with.
type version struct {
	path string
	at   time.Time
}

// versionsIn lists the archived versions of a directory, oldest first.
func versionsIn(dir string, note func(string)) ([]version, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read archived versions: %w", err)
	}
	var versions []version
	for _, f := range files {
		at, ok := savedAt(f.Name())
		if f.IsDir() || !ok {
			note(f.Name() + ": ignored, its name does not begin with a UTC time such as 2025-12-23T022729Z or 2025-12-23")
			continue
		}
		versions = append(versions, version{filepath.Join(dir, f.Name()), at})
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("no archived version in %s: file names must begin with a UTC time such as 2025-12-23T022729Z.csv or 2025-12-23.csv", dir)
	}
	slices.SortStableFunc(versions, func(a, b version) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.path, b.path)) })
	return versions, nil
}

var timePrefix = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T\d{2}:?\d{2}:?\d{2}Z)?`)

// savedAt reads the UTC time that a file name begins with.
func savedAt(name string) (time.Time, bool) {
	prefix := timePrefix.FindString(name)
	for _, layout := range []string{"2006-01-02T150405Z", "2006-01-02T15:04:05Z", time.DateOnly} {
		if at, err := time.Parse(layout, prefix); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func opener(path string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return os.Open(path) }
}
