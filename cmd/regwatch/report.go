package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v3"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError says that the command line is not one that regwatch understands.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errReported ends a command with exit code 1 that has shown already what
// failed.
var errReported = errors.New("failed, as reported")

// report tells of an error, a line of it after the other, and gives the exit
// code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if !errors.Is(err, errReported) {
		for line := range strings.Lines(message(err)) {
			fmt.Fprintln(w, "regwatch: "+visible(strings.TrimRight(line, "\n")))
		}
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[cli.ExitCoder](err); ok { // `help` of a command that is not there
		return exitUsage
	}
	return exitFailed
}

func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted: what was under way was not recorded, and can be repeated"
	}
	return err.Error()
}
