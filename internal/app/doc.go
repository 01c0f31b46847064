// Package app wires the parts into the program: it opens what a command needs,
// runs the service by roles, and holds the few flows that join several parts
// (a fetch by hand, an import, the demo). It promises that what it opened is
// closed in reverse order, whatever fails. It decides nothing about registers.
package app
