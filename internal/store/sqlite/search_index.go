package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// blockBits is how many bits of its id place a version in its block. A block
// is what one transaction of the index writes, and what of the newest versions
// a search may have to read through.
const blockBits = 15

// trigramBytes is how many bytes in a row the index knows.
const trigramBytes = 3

// partBytes is of how many bytes of texts a part of a block is, about: the lists of a part
// are in memory. Each reads the block anew, so that there are not many.
const (
	partBytes = 10 << 20
	mostParts = 16
)

// IndexBlock takes the next complete block of entries, of whatever registers,
// into the index of [Store.Find], in transactions of its own that take some
// tenths of a second each. It reports whether it did; false: there is nothing left to
// do until more is committed. Several processes may call it at once.
func (s *Store) IndexBlock(ctx context.Context) (bool, error) {
	block, complete, err := s.nextBlock(ctx)
	if err == nil && complete {
		err = s.indexBlock(ctx, block)
	}
	if err != nil {
		return false, fmt.Errorf("index entries for searches: %w", err)
	}
	return complete, nil
}

// indexBlock takes a block into the index, in as many parts as its texts need: each has
// some of the pairs of bytes.
func (s *Store) indexBlock(ctx context.Context, block int64) error {
	first := block << blockBits
	var bytes int64
	err := s.read.QueryRowContext(ctx, blockSize, first, first+1<<blockBits).Scan(&bytes)
	if err != nil {
		return err
	}
	parts := int(min(1+bytes/s.partBytes, mostParts))
	for part := range parts {
		index, err := s.readBlock(ctx, block, part, parts)
		if err == nil {
			err = s.saveBlock(ctx, block, index, part == parts-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const blockSize = `SELECT coalesce(sum(octet_length(fields)), 0) FROM versions WHERE id >= ? AND id < ?`

// nextBlock gives the first block that is not in the index, and whether all of
// its versions are there.
func (s *Store) nextBlock(ctx context.Context) (block int64, complete bool, err error) {
	if block, err = indexedBlocks(ctx, s.read); err != nil {
		return 0, false, err
	}
	last, err := lastVersion(ctx, s.read)
	return block, last>>blockBits > block, err
}

// indexedBlocks gives how many blocks are in the index.
func indexedBlocks(ctx context.Context, q querier) (n int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(max(block), -1) + 1 FROM search_blocks`).Scan(&n)
	return n, err
}

// readBlock makes the postings of one part of a block.
func (s *Store) readBlock(ctx context.Context, block int64, part, parts int) (*postings, error) {
	index := new(postings)
	var has [1 << 16]bool
	for pair := range has {
		has[pair] = pair%parts == part
	}
	first := block << blockBits
	err := each(ctx, s.read, func(rows *sql.Rows) error {
		var id int64
		var e register.Entry
		if err := rows.Scan(&id, &e.Key, document{&e.Fields}); err != nil {
			return err
		}
		for _, text := range searched(e) {
			index.add(text, int(id-first), &has)
		}
		return nil
	}, blockEntries, first, first+1<<blockBits)
	return index, err
}

const blockEntries = `SELECT id, key, fields FROM versions WHERE id >= ? AND id < ? ORDER BY id`

// saveBlock writes the postings of a part of a block, unless another process has written
// the block. It is part of the index with its last part; what is there of one before that
// is left by a process that ended, and is the same.
func (s *Store) saveBlock(ctx context.Context, block int64, index *postings, last bool) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		blocks, err := indexedBlocks(ctx, tx)
		if err != nil || blocks > block {
			return err
		}
		insert, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO search (block, pair, places) VALUES (?, ?, ?)`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for pair, lists := range index {
			if lists == nil {
				continue
			}
			if _, err := insert.ExecContext(ctx, block, pair, lists.pack()); err != nil {
				return err
			}
		}
		if last {
			_, err = tx.ExecContext(ctx, `INSERT INTO search_blocks (block) VALUES (?)`, block)
		}
		return err
	})
}

// searched gives the texts in which a search looks: the values of an entry's
// key, and its fields.
func searched(e register.Entry) []string {
	texts := e.Key.Values()
	for i := range texts {
		texts[i] = folded(texts[i])
	}
	for _, v := range e.Fields {
		if text := folded(v.Text); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// matches reports whether a folded text stands in what is searched of an entry.
func matches(e register.Entry, text string) bool {
	return slices.ContainsFunc(searched(e), func(s string) bool { return strings.Contains(s, text) })
}

// postings are the places of each trigram in a block: by its first two bytes,
// and by its third.
type postings [1 << 16]*pairPlaces

// pairPlaces are the places of the trigrams that begin with one pair of bytes.
type pairPlaces [1 << 8]*places

// places are a list of ascending places, each as its distance from the one
// before, the first from -1.
type places struct {
	last      int
	distances []byte
}

// add notes those trigrams of a text that begin with these pairs. Places come in ascending
// order.
func (p *postings) add(text string, place int, pairs *[1 << 16]bool) {
	for t := range trigrams(text) {
		if !pairs[t.pair()] {
			continue
		}
		lists := p[t.pair()]
		if lists == nil {
			lists = new(pairPlaces)
			p[t.pair()] = lists
		}
		list := lists[t.third()]
		if list == nil {
			list = &places{last: -1}
			lists[t.third()] = list
		}
		if list.last != place {
			list.distances = binary.AppendUvarint(list.distances, uint64(place-list.last))
			list.last = place
		}
	}
}

// pack gives the column's value.
func (p *pairPlaces) pack() []byte {
	var packed []byte
	for third, list := range p {
		if list != nil {
			packed = binary.AppendUvarint(append(packed, byte(third)), uint64(len(list.distances)))
			packed = append(packed, list.distances...)
		}
	}
	return packed
}

// errDamaged says that a row of the index is not what was written.
var errDamaged = errors.New("the index of searches is damaged: keep a copy of the data directory, and restore a backup")

// unpack finds the distances of a trigram in the column's value; nil for none.
func unpack(packed []byte, t trigram) ([]byte, error) {
	for len(packed) > 0 {
		third := packed[0]
		size, n := binary.Uvarint(packed[1:])
		if n <= 0 || size > uint64(len(packed)-1-n) {
			return nil, errDamaged
		}
		distances := packed[1+n:][:size]
		if third == t.third() {
			return distances, nil
		}
		packed = packed[1+n+int(size):]
	}
	return nil, nil
}

// trigram is three bytes in a row.
type trigram uint32

func (t trigram) pair() uint16 { return uint16(t >> 8) }
func (t trigram) third() byte  { return byte(t) }

// trigrams yields every three bytes in a row of a text, repeats too.
func trigrams(text string) func(yield func(trigram) bool) {
	return func(yield func(trigram) bool) {
		for i := 0; i+trigramBytes <= len(text); i++ {
			if !yield(trigram(text[i])<<16 | trigram(text[i+1])<<8 | trigram(text[i+2])) {
				return
			}
		}
	}
}

// readPlaces reads what places.distances holds.
func readPlaces(distances []byte) ([]int, error) {
	list := make([]int, 0, len(distances))
	for place := -1; len(distances) > 0; {
		distance, n := binary.Uvarint(distances)
		if place += int(distance); n <= 0 || place >= 1<<blockBits {
			return nil, errDamaged
		}
		list, distances = append(list, place), distances[n:]
	}
	return list, nil
}
