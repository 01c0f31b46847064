// Package archtest holds the test that enforces who may import whom, so that
// the architecture stays what ARCHITECTURE.md draws. It has no other code.
package archtest
