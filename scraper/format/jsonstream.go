package format

import (
	"context"
	"encoding/json"
	"io"
	"regexp"
	"strings"
)

// jsonPart says what is kept of a value while its document is read as a stream:
// the value as it is, or, of an object, what is kept of the values of some keys,
// or, of an array of rows, nothing.
//
// What is so kept is a document on which the programs of the rows and of the
// total find what they find on the whole: their paths lie in it, and a value that
// they do not expect is kept as it is. Its array of rows is empty, because they
// were handed on.
type jsonPart struct {
	keys map[string]*jsonPart
	rows bool
}

var (
	streamRows  = regexp.MustCompile(`^(\.|(\.[A-Za-z_][A-Za-z0-9_]*\??)+)\[\]\??$`)
	streamTotal = regexp.MustCompile(`^(\.[A-Za-z_][A-Za-z0-9_]*\??)+$`)
	pathKey     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// streamOf gives what is kept of a document whose rows are the elements of one
// array, and whose total, if there is one, is the value of a key beside it. It is
// nil for programs that need the whole document.
func streamOf(rows, total string) *jsonPart {
	rows, total = strings.TrimSpace(rows), strings.TrimSpace(total)
	if !streamRows.MatchString(rows) || total != "" && !streamTotal.MatchString(total) {
		return nil
	}
	root := &jsonPart{}
	array := root.at(rows)
	array.rows = true
	if total == "" {
		return root
	}
	if part := root.at(total); part == nil || part.keys != nil || part.rows {
		return nil // one of the paths lies in the other
	}
	return root
}

// at adds the part at a path of keys; nil if it lies in the rows.
func (p *jsonPart) at(path string) *jsonPart {
	for _, key := range pathKey.FindAllString(path, -1) {
		if p.rows {
			return nil
		}
		inner := p.keys[key]
		if inner == nil {
			inner = &jsonPart{}
			if p.keys == nil {
				p.keys = map[string]*jsonPart{}
			}
			p.keys[key] = inner
		}
		p = inner
	}
	return p
}

// streamJSON hands each row of a document to do, and gives what else is kept of
// it. An error of do comes back as it is.
func streamJSON(ctx context.Context, body io.Reader, memory uint64, part *jsonPart, do func(any) error) (kept any, err error) {
	s := &jsonStream{jsonDecoder: newJSONDecoder(ctx, body, memory), do: do}
	err = s.document(func() error {
		kept, err = s.keep(part, 0)
		return err
	})
	if s.stopped != nil {
		err = s.stopped
	}
	return kept, err
}

type jsonStream struct {
	*jsonDecoder
	do      func(row any) error
	stopped error // what do returned
}

// keep reads a value, and gives what is kept of it.
func (s *jsonStream) keep(part *jsonPart, depth int) (any, error) {
	token, err := s.next()
	if err != nil {
		return nil, err
	}
	switch {
	case depth >= maxJSONDepth:
	case token == json.Delim('[') && part.rows:
		return []any{}, s.elements(func() error {
			row, err := s.value(depth + 1)
			if err != nil {
				return err
			}
			s.stopped = s.do(row)
			return s.stopped
		})
	case token == json.Delim('{') && part.keys != nil:
		return s.object(part, depth+1)
	}
	return s.from(token, depth)
}

// object reads an object on the way to the rows or the total. Depth is that of
// its values.
func (s *jsonStream) object(part *jsonPart, depth int) (any, error) {
	kept, seen := map[string]any{}, map[string]bool{}
	for {
		key, more, err := s.key()
		if err != nil || !more {
			return kept, err
		}
		if seen[key] {
			return nil, errTwice(key)
		}
		seen[key] = true
		if inner := part.keys[key]; inner != nil {
			kept[key], err = s.keep(inner, depth)
		} else {
			err = s.skip(depth)
		}
		if err != nil {
			return nil, err
		}
	}
}
