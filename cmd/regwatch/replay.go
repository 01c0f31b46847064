package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
)

func replayCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "replay", Category: groupTelling,
		Usage: "routes recorded changes once more",
		Description: describe(`Routes the announced changes since an instant by the subscriptions as they are now, and sends them again,
also those that were delivered: for a new subscription, or a receiver that lost what it had. Imported changes are not sent. A
receiver knows a repeat by its webhook-id.`,
			"regwatch replay --since 2025-12-23 --subscription new-apps"),
		Flags: []cli.Flag{
			instantFlag("since", "changes observed at or after", true),
			&cli.StringFlag{Name: "subscription", Usage: "only for the subscription `NAME`"},
			jsonFlag(jsonObject),
		},
		ArgValidator: arguments(0, 0),
		Action: p.opened(func(ctx context.Context, cmd *cli.Command, a *app.App) error {
			since, err := instant(cmd, "since")
			if err != nil {
				return err
			}
			n, err := a.Replay(ctx, since, cmd.String("subscription"))
			if err != nil {
				return err
			}
			return p.pending(cmd, n)
		}),
	}
}
