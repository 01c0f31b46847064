package format

import (
	"fmt"
	"io"
	"runtime/metrics"

	"github.com/regwatch/regwatch/register"
)

// How much the process may grow while it reads one document that is held as a
// whole, in bytes.
const (
	// MaxHTMLMemory is for a web page. Its size is no bound for the size of its
	// tree: a formatting element that was never closed is opened anew in each block
	// behind it (HTML, 13.2.4.3), so that 100 KB can ask for a gigabyte.
	MaxHTMLMemory = 1 << 30
	// maxJSONMemory is for a JSON document. Dumps take some seven times their size,
	// garbage included, so that those of 256 MB are read; one of nothing but tiny
	// objects takes fifty times its own.
	maxJSONMemory = 3 << 30
)

// frugalReader reads in small pieces, and ends when the process has grown too
// much since the first. What others take meanwhile counts too; there is no
// telling them apart, and no memory left for them either.
type frugalReader struct {
	body   io.Reader
	limit  uint64
	begun  uint64 // in use at the first read, without what was garbage then
	unseen int    // bytes read since the memory was looked at
	what   string // of what there is too much: "not HTML that we read: its elements"
	hint   string
	err    error
}

const pieceSize = 4 << 10

func (r *frugalReader) Read(p []byte) (int, error) {
	if r.begun == 0 || r.unseen >= pieceSize {
		r.look()
	}
	if r.err != nil {
		return 0, r.err // also to decoders that try again
	}
	n, err := r.body.Read(p[:min(len(p), pieceSize)])
	r.unseen += n
	return n, err
}

func (r *frugalReader) look() {
	r.unseen = 0
	inUse, live := heap()
	if r.begun == 0 {
		r.begun = max(1, min(inUse, live))
	}
	if inUse > r.begun+r.limit {
		r.err = &register.Failure{Class: register.ClassTooLarge, Err: fmt.Errorf("%s take more than %d MB of memory", r.what, r.limit>>20), Hint: r.hint}
	}
}

// heap gives what the objects of the process take, in bytes, and what of it was
// no garbage when that was last looked at.
func heap() (inUse, live uint64) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}
