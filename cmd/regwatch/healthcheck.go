package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func healthcheckCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "healthcheck", Category: groupService,
		Usage:        "asks the running service whether it is well",
		Description:  describe("Asks the service at http.listen for /healthz, for containers. Exit code 0 if it is well, 1 if it is not or does not answer.", "regwatch healthcheck"),
		ArgValidator: arguments(0, 0),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return app.Healthy(ctx, p.options(cmd))
		},
	}
}
