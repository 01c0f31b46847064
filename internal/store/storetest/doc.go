// Package storetest is the one suite that every store passes. A store's own
// tests call [Run] with a way to open it, and test beside it only what is its
// own: files, locks, crashes.
//
// The suite says nothing of how a store keeps what it keeps. It commits, asks,
// and compares: by cases, and against a naive model of history under random
// commits.
package storetest
