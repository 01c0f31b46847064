package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func runCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "run", Category: groupBegin,
		Usage: "runs the service",
		Description: describe(`Fetches the configured registers when they are due, records what changed, and tells the subscribers. One
process at a time runs the service on a data directory; other commands may be used meanwhile. SIGTERM and Ctrl-C end what is
under way; SIGHUP reads definitions and subscriptions again.`,
			"regwatch run",
			"regwatch --config /etc/regwatch.yaml run",
			"regwatch run --roles schedule,scrape"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "roles", Usage: "parts to run, some of `ROLES`: " + strings.Join(app.Roles, ","), Value: strings.Join(app.Roles, ",")},
		},
		ArgValidator: arguments(0, 0),
		Action:       p.run,
	}
}

func (p *program) run(ctx context.Context, cmd *cli.Command) error {
	wanted, err := wantedRoles(cmd.String("roles"))
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	ctx, cancel := context.WithCancel(ctx)
	reload, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
			}
			select {
			case <-ctx.Done():
				return
			case reload <- struct{}{}:
			}
		}
	}()
	defer func() { cancel(); <-ended }()
	return app.Serve(ctx, p.options(cmd), wanted, reload)
}

func wantedRoles(text string) ([]string, error) {
	var wanted []string
	for role := range strings.SplitSeq(text, ",") {
		role = strings.TrimSpace(role)
		if !slices.Contains(app.Roles, role) {
			return nil, usage("--roles has no %q: want some of %s, separated by commas", role, strings.Join(app.Roles, ","))
		}
		if !slices.Contains(wanted, role) {
			wanted = append(wanted, role)
		}
	}
	return wanted, nil
}
