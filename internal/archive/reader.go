package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
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
// reads to the end knows. The caller closes the reader.
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
	return newReader(sha256, file, decoder), nil
}

type reader struct {
	want    string
	file    *os.File
	decoder *zstd.Decoder
	hash    hash.Hash
	err     error
}

func newReader(want string, file *os.File, decoder *zstd.Decoder) *reader {
	return &reader{want: want, file: file, decoder: decoder, hash: sha256.New()}
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
			r.err = fmt.Errorf("read %s: %w: its bytes have the hash %s", r.want, ErrCorrupt, got)
		}
	default:
		r.err = fmt.Errorf("read %s: %w: %w", r.want, ErrCorrupt, err)
	}
	return n, r.err
}

func (r *reader) Close() error {
	r.decoder.Close()
	return r.file.Close()
}
