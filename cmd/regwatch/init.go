package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func initCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "init", Category: groupBegin,
		Usage:        "writes a commented configuration to start from",
		Description:  describe("Writes a commented regwatch.yaml to --config, else to the data directory, and prints its path. It never writes over a file.", "regwatch init", "regwatch --config ./regwatch.yaml init"),
		ArgValidator: arguments(0, 0),
		Action: func(_ context.Context, cmd *cli.Command) error {
			path, err := app.Init(p.options(cmd))
			if err != nil {
				return err
			}
			p.say("%s", path)
			p.note("edit it, then: regwatch doctor; regwatch run")
			return nil
		},
	}
}
