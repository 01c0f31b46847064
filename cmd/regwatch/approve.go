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
		Description: describe("Accepts the differences that a run holds, after they are judged anew. No run is held by the rules that are built so far, so there is nothing to approve yet.",
			"regwatch approve 12"),
		ArgValidator: arguments(1, 1),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			id, err := runID(cmd)
			if err != nil {
				return err
			}
			return a.Approve(ctx, id)
		}),
	}
}

func rejectCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "reject", Category: groupHistory, ArgsUsage: "RUN",
		Usage: "drops what a held run holds",
		Description: describe("Drops the differences that a run holds, and does not raise the same ones again. No run is held by the rules that are built so far, so there is nothing to reject yet.",
			"regwatch reject 12"),
		ArgValidator: arguments(1, 1),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			id, err := runID(cmd)
			if err != nil {
				return err
			}
			return a.Reject(ctx, id)
		}),
	}
}
