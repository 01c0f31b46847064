package format

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestEachIsNext walks random bytes with Each, and row by row.
func TestEachIsNext(t *testing.T) {
	type found struct {
		row    string
		at     int64
		quoted bool
	}
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		page := make([]byte, r.IntN(60))
		for i := range page {
			page[i] = "ab,\"\"\r\n\n"[r.IntN(8)]
		}
		rows := Rows{Quoted: r.IntN(3) > 0, Comma: ','}
		const place = 1000
		var want []found
		whole := 0
		for whole < len(page) {
			row, size := rows.Next(page[whole:])
			if size == 0 {
				break
			}
			if len(row) > 0 {
				want = append(want, found{string(row), int64(place + whole), bytes.IndexByte(row, '"') >= 0})
			}
			whole += size
		}
		var got []found
		end, err := rows.Each(page, place, func(row []byte, at int64, quoted bool) error {
			got = append(got, found{string(row), at, quoted})
			return nil
		})
		if err != nil || end != whole || len(got) != len(want) {
			t.Fatalf("%q (quoted %t): %d bytes are rows (%v): %v, want %d: %v", page, rows.Quoted, end, err, got, whole, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%q (quoted %t): row %d is %v, want %v", page, rows.Quoted, i, got[i], want[i])
			}
		}
	}
}
