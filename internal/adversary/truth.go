package adversary

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// row is one entry as it is published: number, name, sites, host, listed on and
// reason.
type row [6]string

// Columns of a row.
const (
	colNumber = iota
	colName
	colSites
	colHost
	colDate
	colReason
)

var (
	columnNames = row{"id", "name", "sites", "host", "listed_on", "reason"}
	fieldNames  = row{"number", "name", "sites", "host", "listed_on", "reason"}
)

// fewest is how small a register of the model gets: below it, what happens to
// every entry crosses no threshold.
const fewest = 12

// truth is what the register would show if its page never broke.
type truth struct {
	rows   []row
	gone   []row // may return
	serial int   // makes names, numbers and texts that were never there
	usual  int   // entries, above which more go than come
}

func newTruth(r *rand.Rand) *truth {
	t := &truth{serial: 100}
	size := fewest + r.IntN(20)
	if r.IntN(20) == 0 {
		size = 80 + r.IntN(100)
	}
	t.usual = size + 10
	for range size {
		t.add(r)
	}
	return t
}

func (t *truth) next() int {
	t.serial++
	return t.serial
}

// entry makes one that was never there.
func (t *truth) entry(r *rand.Rand, prefix string) row {
	n := t.next()
	return row{
		fmt.Sprint(n), fmt.Sprintf("%s Žluťoučký kůň č. %d", prefix, n), fmt.Sprintf("a%d.example,b%d.example,ž%d.example", n, n, n),
		fmt.Sprintf("ž%d.příklad.example", n), fmt.Sprintf("%d-%02d-%02d", 2015+r.IntN(10), 1+r.IntN(12), 1+r.IntN(28)), fmt.Sprintf("důvod %d", n),
	}
}

func (t *truth) add(r *rand.Rand) { t.rows = append(t.rows, t.entry(r, "Společnost")) }

func (t *truth) remove(r *rand.Rand) {
	if len(t.rows) <= fewest {
		return
	}
	at := r.IntN(len(t.rows))
	t.gone = append(t.gone, t.rows[at])
	t.rows = slices.Delete(slices.Clone(t.rows), at, at+1)
}

// edit changes one entry. It works on a copy: pages keep what they showed.
func (t *truth) edit(r *rand.Rand, change func(row) row) {
	at := r.IntN(len(t.rows))
	t.rows = slices.Clone(t.rows)
	t.rows[at] = change(t.rows[at])
}

// happen is one small thing that happens in the world.
func (t *truth) happen(r *rand.Rand) string {
	what := r.IntN(12)
	if len(t.rows) > t.usual && what < 3 {
		what = 3
	}
	switch what {
	case 0, 1, 2:
		t.add(r)
		return "one comes"
	case 3, 4, 5:
		t.remove(r)
		return "one goes"
	case 6, 7:
		t.edit(r, func(e row) row { e[colReason] = fmt.Sprintf("důvod %d", t.next()); return e })
		return "one changes"
	case 8, 9:
		if len(t.gone) == 0 {
			return ""
		}
		at := r.IntN(len(t.gone))
		t.rows = append(slices.Clone(t.rows), t.gone[at])
		t.gone = slices.Delete(t.gone, at, at+1)
		return "one returns"
	case 10:
		for range 2 + r.IntN(3) {
			t.edit(r, func(e row) row { e[colNumber] = fmt.Sprint(t.next()); return e })
		}
		return "some get other numbers"
	default:
		t.edit(r, func(e row) row { other := t.entry(r, "Nástupce"); other[colNumber] = e[colNumber]; return other })
		return "a number is given to another"
	}
}

// shake is one large thing that truly happens.
func (t *truth) shake(r *rand.Rand) string {
	switch r.IntN(5) {
	case 0:
		for range 15 + r.IntN(20) {
			t.add(r)
		}
		return "MANY COME"
	case 1:
		for range len(t.rows)/3 + r.IntN(len(t.rows)/3) {
			t.remove(r)
		}
		return "MANY GO"
	case 2:
		rows := slices.Clone(t.rows)
		for i := range rows {
			rows[i][colReason] = fmt.Sprintf("důvod %d", t.next())
		}
		t.rows = rows
		return "ALL CHANGE"
	case 3:
		rows := slices.Clone(t.rows)
		for i := range rows {
			rows[i][colNumber] = fmt.Sprint(t.next())
		}
		t.rows = rows
		return "ALL GET OTHER NUMBERS"
	default:
		keep := len(t.rows) / 2
		for len(t.rows) > keep {
			t.gone = append(t.gone, t.rows[len(t.rows)-1])
			t.rows = t.rows[:len(t.rows)-1]
		}
		t.rows = slices.Clone(t.rows)
		for len(t.rows) < max(fewest, 2*keep) {
			t.add(r)
		}
		return "HALF ARE REPLACED"
	}
}

// contents is a set of rows.
type contents map[row]bool

func contentsOf(rows []row) contents {
	c := contents{}
	for _, e := range rows {
		c[e] = true
	}
	return c
}

func (c contents) equal(other contents) bool { return maps.Equal(c, other) }

// lacking counts the rows of c whose identity no row of other has, and those
// that have one there with other contents.
func (c contents) lacking(other contents, id func(row) string) (gone, changed int) {
	there := map[string]bool{}
	for e := range other {
		there[id(e)] = true
	}
	for e := range c {
		switch {
		case other[e]:
		case there[id(e)]:
			changed++
		default:
			gone++
		}
	}
	return gone, changed
}
