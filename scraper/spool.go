package scraper

import (
	"bytes"
	"errors"
	"os"
)

// spool keeps a large body beside the archive as it comes, so that it can be read
// at any place: the archive has it compressed. It only spares work, so that
// nothing comes of its own errors but that it is not there.
type spool struct {
	dir    string
	first  bytes.Buffer // until it is large
	file   *os.File
	named  bool // the system cannot remove a file that is open
	failed bool
	sha256 string // set when the body is whole
}

func (s *spool) write(p []byte) {
	switch {
	case s == nil || s.failed:
		return
	case s.file != nil:
		s.keep(p)
	case s.first.Len()+len(p) < fewestDiffering:
		s.first.Write(p)
	default:
		s.open()
		s.keep(s.first.Bytes())
		s.keep(p)
		s.first = bytes.Buffer{}
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

func (s *spool) keep(p []byte) {
	if s.failed {
		return
	}
	if _, err := s.file.Write(p); err != nil {
		s.failed = true
	}
}

// large reports whether the body was worth keeping, and could be.
func (s *spool) large() bool { return s != nil && s.file != nil && !s.failed && s.sha256 != "" }

// ReadAt implements io.ReaderAt.
func (s *spool) ReadAt(p []byte, at int64) (int, error) { return s.file.ReadAt(p, at) }

// Close implements io.Closer.
func (s *spool) Close() error {
	if s == nil || s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.named {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	s.file = nil
	return err
}
