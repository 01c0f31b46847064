package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func approveCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "approve", Category: groupHistory, ArgsUsage: "RUN",
		Usage: "accepts what a held run holds",
		Description: describe("Believes what a held run shows, judged anew against the register as it is known now: its changes are recorded and announced. Only the latest held run of a register can be approved. `regwatch runs --held` shows what is held.",
			"regwatch approve 12"),
		Flags:        []cli.Flag{jsonFlag(jsonObject)},
		ArgValidator: arguments(1, 1),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			id, err := runID(cmd)
			if err != nil {
				return err
			}
			run, changes, err := a.Approve(ctx, id)
			if err != nil {
				return err
			}
			return p.decided(cmd, run, changes)
		}),
	}
}

func rejectCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "reject", Category: groupHistory, ArgsUsage: "RUN",
		Usage: "drops what a held run holds",
		Description: describe("Drops what a held run shows, and does not raise the same content again. Only the latest held run of a register can be rejected.",
			"regwatch reject 12"),
		Flags:        []cli.Flag{jsonFlag(jsonObject)},
		ArgValidator: arguments(1, 1),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			id, err := runID(cmd)
			if err != nil {
				return err
			}
			run, err := a.Reject(ctx, id)
			if err != nil {
				return err
			}
			return p.decided(cmd, run, nil)
		}),
	}
}
