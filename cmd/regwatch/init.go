package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

// calledWith is the program with what it has to be told again to find the file
// that was written.
func calledWith(cmd *cli.Command) string {
	words := "regwatch"
	for _, flag := range []string{"config", "data"} {
		if value := cmd.String(flag); value != "" {
			words += fmt.Sprintf(" --%s %s", flag, value)
		}
	}
	return words
}

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
			p.note("edit it, then: %[1]s doctor; %[1]s run", calledWith(cmd))
			return nil
		},
	}
}
