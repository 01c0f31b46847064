package format

import (
	"fmt"
	"io"
	"runtime/metrics"

	"github.com/regwatch/regwatch/register"
)

// maxHTMLMemory is how much the process may grow while it reads one page, in
// bytes. The size of the page is no bound for the size of its tree: a formatting
// element that was never closed is opened anew in each block behind it (HTML,
// 13.2.4.3), so that 100 KB can ask for a gigabyte.
const maxHTMLMemory = 1 << 30

// frugalReader reads in small pieces, and ends when the process has grown too
// much since the first. What others take meanwhile counts too; there is no
// telling them apart, and no memory left for them either.
type frugalReader struct {
	body  io.Reader
	limit uint64
	begun uint64 // in use at the first read, without what was garbage then
	err   error
}

func (r *frugalReader) Read(p []byte) (int, error) {
	const piece = 4 << 10
	inUse, live := heap()
	if r.begun == 0 {
		r.begun = max(1, min(inUse, live))
	}
	if inUse > r.begun+r.limit {
		r.err = &register.Failure{
			Class: register.ClassTooLarge, Err: fmt.Errorf("not HTML that we read: its elements take more than %d MB of memory", r.limit>>20),
			Hint: "few pages are so by accident; see what the address serves, and ask the authority for the register as a file",
		}
		return 0, r.err
	}
	return r.body.Read(p[:min(len(p), piece)])
}

// heap gives what the objects of the process take, in bytes, and what of it was
// no garbage when that was last looked at.
func heap() (inUse, live uint64) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64()
}
