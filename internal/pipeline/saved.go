package pipeline

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// Saved is a [Source] of one saved version of a register: bytes that somebody
// archived at a known time, framed by their own length.
type Saved struct {
	Name    string    // of the file
	SavedAt time.Time // when the register showed it
	Open    func() (io.ReadCloser, error)
	Archive scraper.Archive
}

// Fetch copies the version into the archive.
func (s Saved) Fetch(ctx context.Context, def register.Definition, _ register.Validators, _ scraper.Watch) (scraper.Fetched, error) {
	file, err := s.Open()
	if err != nil {
		return scraper.Fetched{}, fmt.Errorf("open saved version: %w", err)
	}
	page, err := s.keep(ctx, file, def.Fetch.SizeLimit())
	if err != nil {
		file.Close()
		return scraper.Fetched{}, err
	}
	fetched := scraper.Fetched{Pages: []register.Page{page}, ObservedAt: s.SavedAt}
	if body, ok := file.(io.ReaderAt); ok {
		fetched.Body = body
	} else {
		file.Close()
	}
	return fetched, nil
}

// keep copies a file of at most limit bytes into the archive.
func (s Saved) keep(ctx context.Context, file io.Reader, limit int64) (register.Page, error) {
	body, err := s.Archive.Create(ctx)
	if err != nil {
		return register.Page{}, err
	}
	var end ending
	n, err := io.Copy(io.MultiWriter(body, &end), io.LimitReader(file, limit+1))
	if err == nil && n > limit {
		err = &register.Failure{
			Class: register.ClassTooLarge, Where: s.Name, Hint: "Raise `fetch.max_bytes` in the definition if the register really is so large.",
			Err: fmt.Errorf("the file is larger than fetch.max_bytes, %d bytes", limit),
		}
	}
	if err != nil {
		body.Abort()
		return register.Page{}, fmt.Errorf("keep saved version: %w", err)
	}
	sum, size, err := body.Commit()
	if err != nil {
		return register.Page{}, fmt.Errorf("keep saved version: %w", err)
	}
	return register.Page{
		URL: s.Name, FetchedAt: s.SavedAt, SHA256: sum, Bytes: size,
		Framing: register.FramedFile, EndsWithNewline: end.last == '\n',
	}, nil
}

// ending remembers the last byte that passed.
type ending struct{ last byte }

func (e *ending) Write(p []byte) (int, error) {
	if len(p) > 0 {
		e.last = p[len(p)-1]
	}
	return len(p), nil
}
