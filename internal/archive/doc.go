// Package archive keeps the exact bytes that a register's pages had: content-
// addressed by SHA-256, compressed with zstd, in a directory.
//
// It promises that a body is durable when [Body.Commit] returns, that equal
// bodies are stored once, and that what [Archive.Open] reads is what was
// written, or an error: the hash is checked at the end. Bodies of any size
// stream in constant memory. Several processes may use one directory.
//
// It does not know what a body belongs to: who refers to it, and for how long,
// is said by the caller of [Archive.Sweep].
//
// On disk, a body lies under <first two digits>/<sha256>.zst; tmp/ holds what is
// being written.
package archive
