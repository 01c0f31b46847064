// Package differ finds what distinguishes two snapshots of a register ([Diff])
// and decides how much of it may be believed ([Judge], gate 2).
//
// Both are pure: no context, no I/O, no clock, no randomness. Diff promises that
// Apply(a, Diff(a, b)) has the entries of b, that Diff(a, a) is empty, and that
// the order of rows on a page does not matter. Judge promises that nothing is
// announced as gone because a single fetch lacked it: the register says so itself,
// a second tick confirms it, a hold ends, or a person approves.
//
// It does not read pages, keep history or know who will be told.
package differ
