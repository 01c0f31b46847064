package format

import (
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
func decodeJSON(ctx context.Context, body io.Reader, memory uint64) (any, error) {
	lines := &lineCounter{body: &frugalReader{
		body: body, limit: memory, what: "not JSON that we read: its values",
		hint: "see what the address serves; where the register is so, ask for it in pages, or as CSV",
	}}
	decoder := json.NewDecoder(lines)
	decoder.UseNumber()
	d := &jsonDecoder{ctx: ctx, tokens: decoder}
	value, err := d.value(0)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return value, nil
		}
		if err == nil {
			err = errors.New("something follows the document's end")
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if lines.err != nil && !errors.Is(lines.err, io.EOF) {
		return nil, lines.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends before its last bracket")
	}
	if failure, ok := errors.AsType[*register.Failure](err); ok {
		return nil, failure
	}
	offset := decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = syntax.Offset
	}
	return nil, unreadable(lines.at(offset), "", "not JSON: %w", err)
}

type jsonDecoder struct {
	ctx    context.Context
	tokens *json.Decoder
	count  int
}

func (d *jsonDecoder) value(depth int) (any, error) {
	token, err := d.next()
	if err != nil {
		return nil, err
	}
	bracket, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth >= maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	if bracket == '[' {
		return d.array(depth + 1)
	}
	return d.object(depth + 1)
}

func (d *jsonDecoder) array(depth int) (any, error) {
	values := []any{}
	for d.tokens.More() {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	_, err := d.next()
	return values, err
}

func (d *jsonDecoder) object(depth int) (any, error) {
	object := map[string]any{}
	for d.tokens.More() {
		token, err := d.next()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("the key %q stands twice in one object", key)
		}
		if object[key], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := d.next()
	return object, err
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

// lineCounter remembers where lines end, so that an offset has a line, and the
// error of the body, which decoders hide.
type lineCounter struct {
	body io.Reader
	read int64
	ends []int64
	err  error
}

// Read implements io.Reader.
func (l *lineCounter) Read(p []byte) (int, error) {
	n, err := l.body.Read(p)
	for i, c := range p[:n] {
		if c == '\n' {
			l.ends = append(l.ends, l.read+int64(i))
		}
	}
	l.read += int64(n)
	l.err = err
	return n, err
}

// at gives the line of an offset, from 1.
func (l *lineCounter) at(offset int64) int {
	n, _ := slices.BinarySearch(l.ends, offset)
	return n + 1
}
