// Package sqlite is the store on SQLite: the truth about every register, in one
// file.
//
// # What it promises
//
//   - What a method has returned without an error is on the disk
//     (synchronous=FULL) and survives a crash of the program and of the machine.
//   - [Store.Commit] is one transaction: all that a run leaves, or nothing of it.
//   - Changes and runs are only ever added. Updated in place are heads, the ends
//     of intervals, outbox marks, deliveries, leases and the state of registers.
//   - A register's sequence has no gaps, and the cursor of a change that is
//     committed later is higher, however many processes commit at once.
//   - Several processes may open the same file. A reader never waits for the
//     writer; writers wait for each other for up to two minutes.
//
// # What it does not
//
// It judges nothing: what is accepted was decided before. It sends nothing: the
// outbox says what is to be published, and others mark what was. It keeps no
// pages, only their hashes.
//
// # Time and order
//
// Instants are kept to the microsecond, in UTC. Entries come in the
// order in which they joined the history: that of the commits, and of one
// baseline that of the page; nothing is sorted for it. Changes come in the order
// of their commits.
//
// Functions named yield are called for each result until they return an error,
// which then ends the call and is returned as it is. They may call the store.
package sqlite
