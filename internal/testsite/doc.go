// Package testsite is a scripted regulator: a web site on loopback that
// publishes what it is told, when it is told, and misbehaves on request. Tests
// and `regwatch demo` use it alike.
//
// It promises to answer exactly as scripted and to count what was asked of it.
// It knows nothing of registers or of the rest of regwatch.
package testsite
