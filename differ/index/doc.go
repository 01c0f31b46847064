// Package index knows the entries of a large head again without holding them:
// by 128 bits of what each is (its identity) and 128 bits of the bytes of the row
// that it was last read from, 40 bytes an entry.
//
// An index is made of a head, is asked while one page is read, and says then which
// entries the page lacks. Its file spares reading the head from the store and
// rows from pages; it is never trusted over the store: the head, in the store,
// names the index that is its own by the sum of all that it knows, and who has not
// that one makes it from the store. The hashes of rows are keyed by a number that
// nobody outside knows, so that no register can publish a row that is taken for
// another.
package index
