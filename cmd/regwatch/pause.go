package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func pauseCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "pause", Category: groupRegister, ArgsUsage: "ID",
		Usage:        "keeps a register from being fetched",
		Description:  describe("Keeps a register from being fetched, by the service and by hand, until it is resumed. Its history stays.", "regwatch pause cz-mf-blocklist"),
		ArgValidator: arguments(1, 1),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			id := cmd.Args().First()
			if err := a.Pause(ctx, id); err != nil {
				return err
			}
			p.note("%s is paused: it is not fetched until `regwatch resume %s`", id, id)
			return nil
		}),
	}
}

func resumeCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "resume", Category: groupRegister, ArgsUsage: "ID",
		Usage:        "ends a pause",
		Description:  describe("Lets a paused register be fetched again, from its next tick on.", "regwatch resume cz-mf-blocklist"),
		ArgValidator: arguments(1, 1),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			id := cmd.Args().First()
			if err := a.Resume(ctx, id); err != nil {
				return err
			}
			p.note("%s is fetched again when it is due", id)
			return nil
		}),
	}
}
