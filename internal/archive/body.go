package archive

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Body is a body on its way into the archive. Whoever created it calls Commit
// or Abort, once. It is not safe for concurrent use.
type Body struct {
	archive *Archive
	file    *os.File
	name    string // of the temporary file
	encoder *zstd.Encoder
	hash    hash.Hash
	size    int64
	err     error // of the first write that failed
}

// Create begins a body. ctx is asked only now: what arrived before a deadline
// can still be committed after it.
func (a *Archive) Create(ctx context.Context) (*Body, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("create archived body: %w", err)
	}
	name := tmpDir + "/" + rand.Text() + suffix
	file, err := a.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("create archived body: %w", err)
	}
	encoder, err := a.encoder(&steady{File: file})
	if err != nil {
		file.Close()
		return nil, errors.Join(fmt.Errorf("create archived body: %w", err), a.root.Remove(name))
	}
	return &Body{archive: a, file: file, name: name, encoder: encoder, hash: sha256.New()}, nil
}

// Write takes the next bytes of the body. After an error the body can only be
// aborted.
func (b *Body) Write(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.hash.Write(p)
	b.size += int64(len(p))
	if _, err := b.encoder.Write(p); err != nil {
		b.err = fmt.Errorf("write archived body: %w", err)
		return 0, b.err
	}
	return len(p), nil
}

// Commit ends the body and gives its hash in hexadecimal and its size in bytes.
// On return without error it is durable, and younger than any later Sweep's
// limit even if it was there before. After an error nothing is left.
func (b *Body) Commit() (sha256 string, size int64, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("commit archived body: %w", err)
		}
	}()
	if b.err != nil {
		return "", 0, errors.Join(b.err, b.release(), b.removeTemp())
	}
	sha256 = hex.EncodeToString(b.hash.Sum(nil))
	if err := b.store(sha256); err != nil {
		return "", 0, errors.Join(err, b.removeTemp())
	}
	return sha256, b.size, nil
}

// Abort drops the body.
func (b *Body) Abort() {
	_ = b.release()
	_ = b.removeTemp() // otherwise removed with what crashes leave
}

// store puts the body under its name, unless it is there already: then that one
// is made young again.
func (b *Body) store(sha256 string) error {
	name, err := objectName(sha256)
	if err != nil {
		return err
	}
	shard := sha256[:2]
	now := time.Now()
	switch err := b.archive.root.Chtimes(name, now, now); {
	case err == nil:
		if err := errors.Join(b.release(), b.removeTemp()); err != nil {
			return err
		}
	case errors.Is(err, fs.ErrNotExist):
		if err := b.finish(); err != nil {
			return err
		}
		if err := b.archive.makeDir(shard); err != nil {
			return err
		}
		if err := b.archive.root.Rename(b.name, name); err != nil {
			return err
		}
	default:
		return errors.Join(err, b.release())
	}
	return b.archive.syncDir(shard)
}

// finish makes the temporary file whole and durable, and closes it.
func (b *Body) finish() error {
	return errors.Join(b.encoder.Close(), b.file.Sync(), b.release())
}

// release gives the encoder back and closes the file.
func (b *Body) release() error {
	if b.file == nil {
		return nil
	}
	b.encoder.Reset(nil)
	b.archive.encoders.Put(b.encoder)
	b.encoder = nil
	err := b.file.Close()
	b.file = nil
	return err
}

func (b *Body) removeTemp() error {
	if err := b.archive.root.Remove(b.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
