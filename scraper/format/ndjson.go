package format

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/regwatch/regwatch/register"
)

// maxNDJSONLine bounds a line, in bytes: longer, it is one document after all.
const maxNDJSONLine = 16 << 20

// wholeLine is the program of the rows where each line is one.
const wholeLine = "."

// ndjsonReader reads lines that are a JSON value each. The program of the rows
// sees one line at a time.
type ndjsonReader struct {
	*jsonReader
	single bool // a line is a row
}

func newNDJSON(def register.Definition) (Reader, []register.FieldError) {
	if def.Parse.Rows == "" {
		def.Parse.Rows = wholeLine
	}
	reader, errs := newJSON(def)
	if errs = append(errs, noTotal(def)...); len(errs) > 0 {
		return nil, errs
	}
	return &ndjsonReader{reader.(*jsonReader), def.Parse.Rows == wholeLine}, nil //nolint:forcetypeassert // newJSON makes no other
}

// Read implements [Reader]. Blank lines are skipped.
func (r *ndjsonReader) Read(ctx context.Context, body io.Reader, emit func(Row) error) (reading Reading, err error) {
	seen, rows := newSeen(r.fields), 0
	defer func() {
		reading.Shape = seen.shape(rows, func(column string) bool { return r.read[column] })
	}()
	lines := bufio.NewReaderSize(body, 64<<10)
	for number := 1; ; number++ {
		line, err := readLine(lines, maxNDJSONLine)
		if err != nil && !errors.Is(err, io.EOF) {
			return reading, lineError(err, number)
		}
		last := err != nil
		if len(bytes.TrimSpace(line)) > 0 {
			value, err := decodeJSON(ctx, bytes.NewReader(line), r.memoryFor(line))
			switch {
			case ctx.Err() != nil:
				return reading, ctx.Err()
			case err != nil && last: // behind the last line end
				return reading, emit(Row{Line: number, Cells: make([]Cell, len(r.fields)), Cut: true})
			case err != nil:
				return reading, notALine(err, number)
			}
			err = eachJQ(ctx, r.rows, value, func(value any) error {
				rows++
				return emit(r.row(ctx, number, value, seen))
			})
			if err != nil {
				return reading, err
			}
		}
		if last {
			return reading, nil
		}
	}
}

// memoryFor is what the values of a line may take: a short one can not take much.
func (r *ndjsonReader) memoryFor(line []byte) uint64 {
	if len(line) < 1<<20 {
		return 0
	}
	return r.memory
}

var errLongLine = errors.New("a line is too long")

// readLine reads a line with its end; io.EOF with the last one, if it has none.
func readLine(lines *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) && line == nil {
			return part, err
		}
		if line = append(line, part...); len(line) > most {
			return nil, errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func lineError(err error, line int) error {
	if errors.Is(err, errLongLine) {
		return unreadable(line, "where the register is one JSON document, its format is json",
			"a line is longer than %d bytes: this is not a list of a JSON value on each line", maxNDJSONLine)
	}
	return err
}

// notALine is the failure of a line that is no JSON value.
func notALine(err error, line int) error {
	failure, ok := errors.AsType[*register.Failure](err)
	if !ok {
		return err
	}
	return &register.Failure{
		Class: failure.Class, Where: fmt.Sprintf("line %d", line), Err: failure.Err,
		Hint: "where the register is one JSON document, its format is json",
	}
}

// RowsOf implements [RowBytes].
func (r *ndjsonReader) RowsOf(head []byte, _ func([]byte) string) (Rows, bool) {
	rows := Rows{Start: len(head) - len(bytes.TrimPrefix(head, []byte(byteOrderUTF))), Named: true}
	for range r.fields {
		rows.Cells = append(rows.Cells, -1)
	}
	return rows, r.single
}
