package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"time"
)

// Object is one stored body.
type Object struct {
	SHA256   string
	Stored   int64     // bytes on disk, compressed
	StoredAt time.Time // when it was last committed
}

// Usage is what the archive holds.
type Usage struct {
	Objects int
	Stored  int64 // bytes on disk, compressed
}

// List gives every body, in no particular order. It ends after an error.
func (a *Archive) List(ctx context.Context) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		if err := a.walk(ctx, func(o Object) bool { return yield(o, nil) }); err != nil {
			yield(Object{}, fmt.Errorf("list archive %s: %w", a.dir, err))
		}
	}
}

// walk calls visit for each body until it says no; then it returns nil.
func (a *Archive) walk(ctx context.Context, visit func(Object) bool) error {
	shards, err := a.readDir(".")
	if err != nil {
		return err
	}
	for _, shard := range shards {
		if !isShard(shard.Name()) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := a.readDir(shard.Name())
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if o, ok := objectOf(entry); ok && !visit(o) {
				return nil
			}
		}
	}
	return nil
}

// objectOf reads a directory entry; what is not a body, or has just gone, is
// not ok.
func objectOf(entry fs.DirEntry) (Object, bool) {
	name, found := strings.CutSuffix(entry.Name(), suffix)
	if !found || !isHash(name) {
		return Object{}, false
	}
	info, err := entry.Info()
	if err != nil || !info.Mode().IsRegular() {
		return Object{}, false
	}
	return Object{SHA256: name, Stored: info.Size(), StoredAt: info.ModTime()}, true
}

// Usage counts what the archive holds.
func (a *Archive) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	for o, err := range a.List(ctx) {
		if err != nil {
			return Usage{}, err
		}
		u.Objects++
		u.Stored += o.Stored
	}
	return u, nil
}

// Sweep removes the bodies that were last committed before olderThan and for
// which keep says no, and gives what it removed. A body that is committed anew
// while it sweeps stays. olderThan must lie further back than the longest run:
// a run commits its bodies before anything refers to them.
func (a *Archive) Sweep(ctx context.Context, keep func(sha256 string) bool, olderThan time.Time) (Usage, error) {
	var removed Usage
	for o, err := range a.List(ctx) {
		if err != nil {
			return removed, err
		}
		if !o.StoredAt.Before(olderThan) || keep(o.SHA256) {
			continue
		}
		gone, err := a.removeOlder(o.SHA256, olderThan)
		if err != nil {
			return removed, fmt.Errorf("sweep archive %s: %w", a.dir, err)
		}
		if gone {
			removed.Objects++
			removed.Stored += o.Stored
		}
	}
	return removed, nil
}

// removeOlder takes a body out of sight and looks again before it removes it,
// because a commit of equal bytes may just have made it young: that commit
// either found the body before it was out of sight, and then it is put back, or
// not, and then it stored its own.
func (a *Archive) removeOlder(sha256 string, olderThan time.Time) (bool, error) {
	name, err := objectName(sha256)
	if err != nil {
		return false, err
	}
	aside := tmpDir + "/" + sha256 + suffix
	if err := a.root.Rename(name, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return false, err
	}
	info, err := a.root.Stat(aside)
	if err == nil && info.ModTime().Before(olderThan) {
		return true, a.root.Remove(aside)
	}
	return false, errors.Join(err, a.root.Rename(aside, name), a.syncDir(sha256[:2]))
}
