package main

import (
	"context"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func redeliverCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "redeliver", Category: groupTelling, ArgsUsage: "DELIVERY…",
		Usage: "sends deliveries again",
		Description: describe(`Makes deliveries pending again, with their attempts counted anew: those given by number, whatever became of
them; with --dead all that were given up; with --channel those of one channel that were given up. The running service sends
them, or the next one. A receiver knows a repeat by its webhook-id.`,
			"regwatch redeliver 7 8", "regwatch redeliver --dead", "regwatch redeliver --channel ops-webhook"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dead", Usage: "all that were given up"},
			&cli.StringFlag{Name: "channel", Usage: "those over the channel `NAME` that were given up"},
			jsonFlag(jsonObject),
		},
		ArgValidator: arguments(0, -1),
		Action:       p.opened(p.redeliver),
	}
}

func (p *program) redeliver(ctx context.Context, cmd *cli.Command, a *app.App) error {
	filter := register.DeliveryFilter{Channel: cmd.String("channel")}
	var err error
	switch given, dead := cmd.Args().Present(), cmd.Bool("dead") || cmd.IsSet("channel"); {
	case given && dead:
		return usage("`regwatch redeliver` takes numbers of deliveries, or --dead and --channel, not both")
	case given:
		filter.IDs, err = deliveryIDs(cmd)
	case dead:
		filter.State = register.DeliveryDead
	default:
		return usage("`regwatch redeliver` needs numbers of deliveries, --dead or --channel NAME; `regwatch deliveries --dead` lists what was given up")
	}
	if err != nil {
		return err
	}
	n, err := a.Redeliver(ctx, filter)
	if err != nil {
		return err
	}
	return p.pending(cmd, n)
}

// pending tells how many deliveries will be sent again.
func (p *program) pending(cmd *cli.Command, n int) error {
	if cmd.Bool("json") {
		return p.line(struct {
			Pending int `json:"pending"`
		}{n})
	}
	if n == 0 {
		p.say("nothing to send again")
		return nil
	}
	p.say("%s pending again: the running service sends them, or the next one", count(n, "delivery"))
	return nil
}

func deliveryIDs(cmd *cli.Command) ([]int64, error) {
	var ids []int64
	for _, text := range cmd.Args().Slice() {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return nil, usage("%q is not the number of a delivery; `regwatch deliveries` lists them", text)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
