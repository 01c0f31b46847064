package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func demoCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "demo", Category: groupBegin,
		Usage: "shows the whole program at work on a real register",
		Description: describe(`Starts a web site on loopback that publishes real versions of a real register one after the other, and
the whole service with everything inside, and shows what it finds and whom it tells. It needs no network, no configuration
and nothing installed, and leaves nothing behind.`,
			"regwatch demo"),
		ArgValidator: arguments(0, 0),
		Action: func(ctx context.Context, _ *cli.Command) error {
			return app.Demo(ctx, p.version, flushing{p.out}, p.log)
		},
	}
}
