package archive

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	tmpDir    = "tmp"
	suffix    = ".zst"
	damaged   = ".damaged"     // behind the name of a body that was found to be
	staleTemp = 24 * time.Hour // no body takes that long to write
	window    = 1 << 20        // of the encoder: bounds memory on both sides
)

// ErrBadHash says that a name is not 64 lower-case hexadecimal digits.
var ErrBadHash = errors.New("not a SHA-256 in hexadecimal")

// Archive is a directory of bodies. It is safe for concurrent use.
type Archive struct {
	root     *os.Root
	dir      string
	encoders sync.Pool // of *zstd.Encoder: they are dear to make
}

// Open opens or makes the archive in dir, and removes what a crash left
// unfinished there more than a day ago.
func Open(dir string) (*Archive, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make archive: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	a := &Archive{root: root, dir: dir}
	if err := a.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("open archive %s: %w", dir, err), root.Close())
	}
	return a, nil
}

func (a *Archive) prepare() error {
	if err := a.makeDir(tmpDir); err != nil {
		return err
	}
	return a.removeStale(time.Now().Add(-staleTemp))
}

// Close releases the directory. Bodies that are open stay usable.
func (a *Archive) Close() error { return a.root.Close() }

// Remove removes a body; removing one that is not there is no error.
func (a *Archive) Remove(sha256 string) error {
	name, err := objectName(sha256)
	if err != nil {
		return err
	}
	if err := a.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove archived body %s: %w", sha256, err)
	}
	return nil
}

// removeStale removes temporary files that nobody has written to since before.
// Younger ones may belong to another process.
func (a *Archive) removeStale(before time.Time) error {
	entries, err := a.readDir(tmpDir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.ModTime().Before(before) {
			continue // gone, or in use
		}
		if err := a.root.Remove(tmpDir + "/" + entry.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// makeDir makes a directory durably; it may be there already.
func (a *Archive) makeDir(name string) error {
	if _, err := a.root.Stat(name); err == nil {
		return nil
	}
	if err := a.root.Mkdir(name, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return a.syncDir(".")
}

// syncDir makes the names in a directory durable. Windows has no such call and
// needs none.
func (a *Archive) syncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := a.root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func (a *Archive) readDir(name string) ([]fs.DirEntry, error) {
	dir, err := a.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.ReadDir(-1)
}

// objectName is where the body with that hash lies.
func objectName(sha256 string) (string, error) {
	if !isHash(sha256) {
		return "", fmt.Errorf("%.80q: %w", sha256, ErrBadHash)
	}
	return sha256[:2] + "/" + sha256 + suffix, nil
}

func isHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isShard(name string) bool {
	_, err := hex.DecodeString(name)
	return err == nil && len(name) == 2
}

// encoder lends an encoder that writes to file; it starts no goroutine.
func (a *Archive) encoder(file io.Writer) (*zstd.Encoder, error) {
	if encoder, ok := a.encoders.Get().(*zstd.Encoder); ok {
		encoder.Reset(file)
		return encoder, nil
	}
	return zstd.NewWriter(file, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
}
