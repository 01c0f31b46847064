// Command regwatch watches public registers kept by regulators and tells of
// every change. It promises what its help and docs/commands.md say: results on
// standard output and everything else on standard error, exit code 0 for done,
// 1 for failed and 2 for wrong usage. It only reads the command line and shows
// what came of it; internal/app does the work.
package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	_ "github.com/regwatch/regwatch/internal/heap" // begins before libraries do
)

func main() {
	os.Exit(run(os.Args, os.Stdout, os.Stderr))
}

// run is the program from its arguments to its exit code.
func run(args []string, stdout io.Writer, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does not wait for anything

	p := &program{out: bufio.NewWriter(stdout), log: stderr, version: buildVersion()}
	err := newCommand(p).Run(ctx, args)
	if flushed := p.out.Flush(); err == nil && flushed != nil {
		err = flushed
	}
	return report(stderr, err)
}

// program is what all commands share.
type program struct {
	out     *bufio.Writer // results; flushed at the end, and by whoever shows them as they come
	log     io.Writer     // everything else
	version string
}

// options are what the command line says before the command.
func (p *program) options(cmd *cli.Command) app.Options {
	options := app.Options{
		ConfigFile: cmd.String("config"), Data: cmd.String("data"), LogLevel: cmd.String("log-level"),
		Version: p.version, Stdout: flushing{p.out}, Stderr: p.log,
	}
	if cmd.Bool("json") { // what a terminal channel writes would stand between the objects
		options.Stdout = p.log
	}
	return options
}

// opened makes an action of a function that needs store, archive and
// definitions open.
func (p *program) opened(f func(context.Context, *cli.Command, *app.App) error) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) (err error) {
		a, err := app.Open(ctx, p.options(cmd))
		if err != nil {
			return err
		}
		defer func() {
			if closed := a.Close(); err == nil {
				err = closed
			}
		}()
		return f(ctx, cmd, a)
	}
}
