package format

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/regwatch/regwatch/register"
)

// maxJSONDepth bounds how deep arrays and objects may stand in each other.
const maxJSONDepth = 512

// decodeJSON reads exactly one JSON value. Numbers keep their digits, and a key
// that stands twice in one object is an error, because one of its values would
// be lost; so are values that take more memory than that, in bytes.
func decodeJSON(ctx context.Context, body io.Reader, memory uint64) (value any, err error) {
	d := newJSONDecoder(ctx, body, memory)
	return value, d.document(func() error {
		value, err = d.value(0)
		return err
	})
}

// jsonDecoder reads the tokens of one document.
type jsonDecoder struct {
	ctx    context.Context
	tokens *json.Decoder
	lines  *lineCounter
	count  int
}

// newJSONDecoder reads a body whose values may take so much memory, in bytes; 0 for
// one that is too small for it to matter.
func newJSONDecoder(ctx context.Context, body io.Reader, memory uint64) *jsonDecoder {
	if memory > 0 {
		body = &frugalReader{
			body: body, limit: memory, what: "not JSON that we read: its values",
			hint: "see what the address serves; where the register is so, ask for it in pages, or as CSV",
		}
	}
	lines := &lineCounter{body: body}
	decoder := json.NewDecoder(lines)
	decoder.UseNumber()
	lines.place = decoder.InputOffset
	return &jsonDecoder{ctx: ctx, tokens: decoder, lines: lines}
}

// document has the one value of a document read, and demands that nothing stands
// behind it. It makes the failure of whatever is wrong.
func (d *jsonDecoder) document(read func() error) error {
	err := read()
	if err == nil {
		if _, err = d.tokens.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("something follows the document's end")
		}
	}
	if d.ctx.Err() != nil {
		return d.ctx.Err()
	}
	if d.lines.err != nil && !errors.Is(d.lines.err, io.EOF) {
		return d.lines.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends before its last bracket")
	}
	if failure, ok := errors.AsType[*register.Failure](err); ok {
		return failure
	}
	// The offset of a syntax error counts no bytes between the tokens.
	return unreadable(d.lines.line(), "", "not JSON: %w", err)
}

func (d *jsonDecoder) value(depth int) (any, error) {
	token, err := d.next()
	if err != nil {
		return nil, err
	}
	return d.from(token, depth)
}

// from reads the rest of the value that begins with a token.
func (d *jsonDecoder) from(token json.Token, depth int) (any, error) {
	bracket, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth >= maxJSONDepth {
		return nil, errTooDeep
	}
	if bracket == '[' {
		values := []any{}
		err := d.elements(func() error {
			value, err := d.value(depth + 1)
			values = append(values, value)
			return err
		})
		return values, err
	}
	object := map[string]any{}
	for {
		key, more, err := d.key()
		if err != nil || !more {
			return object, err
		}
		if _, twice := object[key]; twice {
			return nil, errTwice(key)
		}
		if object[key], err = d.value(depth + 1); err != nil {
			return nil, err
		}
	}
}

// skip reads over a value, and holds nothing but the keys of the objects in which
// it is.
func (d *jsonDecoder) skip(depth int) error {
	token, err := d.next()
	if err != nil {
		return err
	}
	bracket, ok := token.(json.Delim)
	switch {
	case !ok:
		return nil
	case depth >= maxJSONDepth:
		return errTooDeep
	case bracket == '[':
		return d.elements(func() error { return d.skip(depth + 1) })
	}
	seen := map[string]bool{}
	for {
		key, more, err := d.key()
		if err != nil || !more {
			return err
		}
		if seen[key] {
			return errTwice(key)
		}
		seen[key] = true
		if err := d.skip(depth + 1); err != nil {
			return err
		}
	}
}

var errTooDeep = fmt.Errorf("nested deeper than %d", maxJSONDepth)

func errTwice(key string) error { return fmt.Errorf("the key %q stands twice in one object", key) }

// elements has each element of an array read, and then reads its bracket.
func (d *jsonDecoder) elements(read func() error) error {
	for d.tokens.More() {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := d.next()
	return err
}

// key reads the next key of an object, or its bracket.
func (d *jsonDecoder) key() (key string, more bool, err error) {
	more = d.tokens.More()
	token, err := d.next()
	if err != nil {
		return "", false, err
	}
	key, _ = token.(string)
	return key, more, nil
}

func (d *jsonDecoder) next() (json.Token, error) {
	if d.count++; d.count%4096 == 0 && d.ctx.Err() != nil {
		return nil, d.ctx.Err()
	}
	return d.tokens.Token()
}

// keys notes the keys of an object: of those that are new, in the order of the
// alphabet, because an object has no other.
func (s *seen) keys(object map[string]any) {
	var added []string
	for key := range object {
		if !s.known[key] {
			added = append(added, key)
		}
	}
	slices.Sort(added)
	for _, key := range added {
		s.column(key)
	}
}

func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

// lineCounter knows the line of the place that a decoder has come to, and the
// error of the body, which decoders hide.
type lineCounter struct {
	body  io.Reader
	place func() int64 // of the decoder, as an offset in the body
	read  int64
	past  int     // line ends before that place, as it was at the last read
	ends  []int64 // of the lines that end behind it
	err   error
}

// Read implements io.Reader.
func (l *lineCounter) Read(p []byte) (int, error) {
	past := l.pastEnds()
	l.past += past
	l.ends = slices.Delete(l.ends, 0, past)
	n, err := l.body.Read(p)
	for at := 0; ; at++ {
		i := bytes.IndexByte(p[at:n], lineFeed)
		if i < 0 {
			break
		}
		at += i
		l.ends = append(l.ends, l.read+int64(at))
	}
	l.read += int64(n)
	l.err = err
	return n, err
}

func (l *lineCounter) pastEnds() int {
	n, _ := slices.BinarySearch(l.ends, l.place())
	return n
}

// line gives the line of the place, from 1.
func (l *lineCounter) line() int { return l.past + l.pastEnds() + 1 }
