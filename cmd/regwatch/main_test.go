package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts call the program under its own name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"regwatch": main})
}
