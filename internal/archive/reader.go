package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"
)

// maxDecoderMemory bounds what a damaged or foreign file makes the decoder
// allocate, in bytes.
const maxDecoderMemory = 16 << 20

// ErrCorrupt says that an archived body is not what was written.
var ErrCorrupt = errors.New("archived body is damaged")

// Open reads a body. A body that is not there is an error that is
// [fs.ErrNotExist]. In place of io.EOF the reader gives an error that is
// [ErrCorrupt] if the bytes are not those that the hash names; so only who
// reads to the end knows. The damaged body is then set aside under another name,
// so that the same bytes, fetched again, are stored whole. The caller closes the
// reader.
func (a *Archive) Open(sha256 string) (io.ReadCloser, error) {
	name, err := objectName(sha256)
	if err != nil {
		return nil, fmt.Errorf("open archived body: %w", err)
	}
	file, err := a.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open archived body %s: %w", sha256, err)
	}
	decoder, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxDecoderMemory), zstd.WithDecoderMaxWindow(maxDecoderMemory))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("open archived body %s: %w", sha256, err)
	}
	return newReader(sha256, file, decoder, func() error { return a.setAside(name) }), nil
}

// setAside takes a damaged body out of the way of a whole one, and keeps it.
func (a *Archive) setAside(name string) error {
	if err := a.root.Rename(name, name+damaged); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("set it aside: %w", err)
	}
	return nil
}

type reader struct {
	want     string
	file     *os.File
	decoder  *zstd.Decoder
	hash     hash.Hash
	setAside func() error
	err      error
}

func newReader(want string, file *os.File, decoder *zstd.Decoder, setAside func() error) *reader {
	return &reader{want: want, file: file, decoder: decoder, hash: sha256.New(), setAside: setAside}
}

func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.decoder.Read(p)
	r.hash.Write(p[:n])
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		r.err = io.EOF
		if got := hex.EncodeToString(r.hash.Sum(nil)); got != r.want {
			r.err = errors.Join(fmt.Errorf("read %s: %w: its bytes have the hash %s", r.want, ErrCorrupt, got), r.setAside())
		}
	case isDiskError(err):
		r.err = fmt.Errorf("read %s: %w", r.want, err)
	default:
		r.err = errors.Join(fmt.Errorf("read %s: %w: %w", r.want, ErrCorrupt, err), r.setAside())
	}
	return n, r.err
}

// isDiskError reports whether the file could not be read, which says nothing of
// what is in it.
func isDiskError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

func (r *reader) Close() error {
	r.decoder.Close()
	return r.file.Close()
}
