package app

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/regwatch/regwatch/internal/bus"
	"github.com/regwatch/regwatch/register"
)

// streamReader is a consumer of the stream that checks that no change is
// missing: each sequence is one more than the last.
type streamReader struct {
	mu    sync.Mutex
	last  int64
	group sync.WaitGroup
}

func readStream(ctx context.Context, b *bus.Bus) *streamReader {
	s := &streamReader{}
	s.group.Go(func() { _ = b.Consume(ctx, "demo", s.take) }) // it ends with ctx, without an error
	return s
}

func (s *streamReader) take(_ context.Context, _ []string, bodies [][]byte) error {
	for _, body := range bodies {
		if err := s.read(body); err != nil {
			return err
		}
	}
	return nil
}

func (s *streamReader) read(body []byte) error {
	var c register.Change
	event := register.Event{Data: &c}
	if err := json.Unmarshal(body, &event); err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Sequence != nil && *c.Sequence == s.last+1 { // signals have none
		s.last++
	}
	return nil
}

// position is the sequence up to which every change was seen.
func (s *streamReader) position() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *streamReader) wait() { s.group.Wait() }
