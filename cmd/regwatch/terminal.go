package main

import (
	"io"
	"os"

	"github.com/mattn/go-isatty"

	"github.com/regwatch/regwatch/internal/app"
)

// visible makes a text from outside safe for a terminal, and for its reader.
func visible(s string) string { return app.Visible(s) }

// isTerminal reports whether somebody may be looking.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}
