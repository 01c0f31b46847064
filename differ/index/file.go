package index

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/regwatch/regwatch/register"
)

// magic begins every file, and ends with the number of its form.
const magic = "regwatch index 2\n"

// headerSize is what a file has before its entries, in bytes.
const headerSize = 4 << 10

// header is a file's first part, as JSON, filled with blanks.
type header struct {
	Head    Head
	Seed    uint64
	Offsets [parts + 2]uint32
}

// ErrStale says that a file is of another state of the head, or no whole index
// at all: it has to be made anew.
var ErrStale = errors.New("the index is not of this head")

// Files is a directory of indexes.
type Files struct{ Dir string }

func (f Files) path(registerID string) string { return filepath.Join(f.Dir, registerID+".index") }

// Load reads the index of a head. Any error means that there is none to use.
func (f Files) Load(head Head) (*Index, error) {
	file, err := os.Open(f.path(head.Register))
	if err != nil {
		return nil, fmt.Errorf("load index: %w", err)
	}
	defer file.Close()
	x, err := read(file, head)
	if err != nil {
		return nil, fmt.Errorf("load index %s: %w", file.Name(), err)
	}
	return x, nil
}

// Remove removes the index of a register, if there is one.
func (f Files) Remove(registerID string) error {
	if err := os.Remove(f.path(registerID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove index: %w", err)
	}
	return nil
}

// Save writes the index of a head, of which it is the Sum, in the place of an
// earlier one. A crash leaves the earlier one, none, or one that is not of the head.
func (f Files) Save(x *Index, head Head) error {
	if err := os.MkdirAll(f.Dir, 0o750); err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	file, err := os.Create(f.path(head.Register) + ".tmp") // what a kill left there goes
	if err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	err = errors.Join(x.write(file, head), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), f.path(head.Register))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("save index: %w", err), os.Remove(file.Name()))
	}
	return nil
}

func (x *Index) write(to io.Writer, head Head) error {
	x.group()
	text, err := json.Marshal(header{Head: head, Seed: x.seed, Offsets: x.offsets})
	if err != nil {
		return err
	}
	first := append([]byte(magic), text...)
	if len(first) > headerSize {
		return fmt.Errorf("a header of %d bytes", len(first))
	}
	first = append(first, bytes.Repeat([]byte{' '}, headerSize-len(first))...)
	buffered := bufio.NewWriterSize(to, 1<<20)
	for _, part := range [][]byte{first, bytesOf(x.entries), bytesOf(x.rows), bytesOf(x.facts)} {
		if _, err := buffered.Write(part); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func read(from io.Reader, head Head) (*Index, error) {
	first := make([]byte, headerSize)
	if _, err := io.ReadFull(from, first); err != nil {
		return nil, errors.Join(ErrStale, err)
	}
	text, ok := bytes.CutPrefix(first, []byte(magic))
	var h header
	if !ok || json.Unmarshal(bytes.TrimRight(text, " "), &h) != nil || h.Head != head || head.Sum == (register.Hash{}) {
		return nil, ErrStale
	}
	x := &Index{seed: h.Seed, head: head, offsets: h.Offsets}
	x.reserve(head.Entries + head.Entries/32 + 1024) // what a run brings
	n := head.Entries
	x.entries, x.rows, x.facts, x.seen = x.entries[:n], x.rows[:n], x.facts[:n], x.seen[:n]
	for _, part := range [][]byte{bytesOf(x.entries), bytesOf(x.rows), bytesOf(x.facts)} {
		if _, err := io.ReadFull(from, part); err != nil {
			x.Close()
			return nil, errors.Join(ErrStale, err)
		}
	}
	if !x.isSound() || x.sum() != head.Sum {
		x.Close()
		return nil, errors.Join(ErrStale, errors.New("it is not the one that was kept with the head"))
	}
	return x, nil
}

// isSound reports whether the parts are where they can be.
func (x *Index) isSound() bool {
	for part := range parts + 1 {
		if x.offsets[part] > x.offsets[part+1] {
			return false
		}
	}
	return x.offsets[0] == 0 && int(x.offsets[parts+1]) == len(x.entries)
}

// bytesOf gives the memory of hashes as it is written: a file is only read where
// it was written, on machines of one byte order.
func bytesOf[T register.Hash | register.RowHash | register.RowFacts](values []T) []byte {
	if len(values) == 0 {
		return nil
	}
	size := int(unsafe.Sizeof(values[0]))
	return unsafe.Slice((*byte)(unsafe.Pointer(&values[0])), size*len(values)) //nolint:gosec // plain numbers without pointers
}
