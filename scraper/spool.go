package scraper

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
)

// Arriving is a large body on its way: what has arrived can be read at any place, by
// several at a time.
type Arriving interface {
	io.ReaderAt
	// Have waits until so many bytes have arrived or the body has ended, and gives
	// how many have, and whether these are all. It fails when the body did not come
	// to its end.
	Have(bytes int64) (arrived int64, all bool, err error)
}

// Watch is told of a large body as soon as it is certain that it is not the one of
// the last complete fetch. It must not wait for the body: that goes on when it
// returns. Of another attempt it is told anew.
type Watch func(page register.Page, body Arriving)

// spool keeps a large body beside the archive as it comes, so that it can be read
// at any place: the archive has it compressed. It only spares work, so that
// nothing comes of its own errors but that it is not there.
type spool struct {
	dir    string
	before []uint64          // hashes of the last complete fetch's beginnings
	watch  func(body *spool) // told once; nil: nobody is
	first  bytes.Buffer      // until it has a file
	named  bool              // the system cannot remove a file that is open
	failed bool
	sha256 string // set when the body is in the archive

	hash   xxh3.Hasher
	begins []uint64 // hashes of its first 4 MB, 8 MB, 16 MB, ...
	mark   int64    // where the next of them ends

	mu      sync.Mutex
	more    sync.Cond // something has changed of what follows
	file    *os.File
	arrived int64
	ended   bool
	broken  error // why the end did not come
}

// spoolFrom is from how many bytes on a body has a file.
const spoolFrom = 256 << 10

func newSpool(dir string, before []uint64, watch func(body *spool)) *spool {
	s := &spool{dir: dir, before: before, watch: watch, mark: fewestDiffering}
	s.more.L = &s.mu
	return s
}

func (s *spool) write(p []byte) {
	if s == nil {
		return
	}
	for len(p) > 0 && !s.failed {
		n := min(int64(len(p)), s.mark-s.arrived-int64(s.first.Len()))
		s.keep(p[:n])
		p = p[n:]
	}
}

// keep keeps what does not go beyond the next mark.
func (s *spool) keep(p []byte) {
	if s.file == nil {
		if s.first.Write(p); s.first.Len() < spoolFrom {
			return
		}
		s.open()
		p = s.first.Bytes()
		s.first = bytes.Buffer{}
	}
	if s.failed {
		return
	}
	if _, err := s.file.Write(p); err != nil {
		s.failed = true
		s.end(err)
		return
	}
	_, _ = s.hash.Write(p)
	s.mu.Lock()
	s.arrived += int64(len(p))
	s.more.Broadcast()
	s.mu.Unlock()
	if s.arrived == s.mark {
		s.marked()
	}
}

// marked compares what has arrived with the beginning of the last complete fetch.
func (s *spool) marked() {
	s.mark *= 2
	begin, at := s.hash.Sum64(), len(s.begins)
	s.begins = append(s.begins, begin)
	if s.watch != nil && (at >= len(s.before) || s.before[at] != begin) {
		s.watch(s)
		s.watch = nil
	}
}

// open makes a file without a name, where the system has such.
func (s *spool) open() {
	file, err := os.CreateTemp(s.dir, "body-*.tmp")
	if err != nil {
		s.failed = true
		return
	}
	s.file = file
	s.named = os.Remove(file.Name()) != nil
}

// end says that nothing more comes: the body is whole, or why it is not.
func (s *spool) end(broken error) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.broken = true, broken
		s.more.Broadcast()
	}
}

// large reports whether the body was worth keeping, and could be.
func (s *spool) large() bool {
	return s != nil && s.file != nil && !s.failed && s.sha256 != "" && s.arrived >= fewestDiffering
}

// Have implements [Arriving].
func (s *spool) Have(n int64) (arrived int64, all bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.arrived < n && !s.ended {
		s.more.Wait()
	}
	return s.arrived, s.ended, s.broken
}

// ReadAt implements io.ReaderAt.
func (s *spool) ReadAt(p []byte, at int64) (int, error) {
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return 0, fmt.Errorf("read the body beside the archive: %w", os.ErrClosed)
	}
	return file.ReadAt(p, at)
}

// Close implements io.Closer.
func (s *spool) Close() error {
	if s == nil {
		return nil
	}
	s.end(os.ErrClosed)
	s.mu.Lock()
	file := s.file
	s.file = nil
	s.mu.Unlock()
	if file == nil {
		return nil
	}
	err := file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// whole is a body that has arrived.
type whole struct {
	io.ReaderAt
	size int64
}

func (w whole) Have(int64) (int64, bool, error) { return w.size, true, nil }
