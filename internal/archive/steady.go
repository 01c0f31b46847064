package archive

import "os"

// steadyPart is how many bytes are written to the disk at once, while more arrive.
const steadyPart = 4 << 20

// steady is a file that goes to the disk while it is written, so that its sync has
// little left to wait for. It only spares time: durable is what was synced.
type steady struct {
	*os.File
	size  int64
	begun int64 // so much is on its way to the disk
}

// Write implements [io.Writer].
func (s *steady) Write(p []byte) (int, error) {
	n, err := s.File.Write(p)
	if s.size += int64(n); s.size-s.begun >= steadyPart {
		writeBack(s.File, s.begun, s.size-s.begun)
		s.begun = s.size
	}
	return n, err
}
