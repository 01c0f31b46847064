package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func deliveriesCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "deliveries", Category: groupTelling, ArgsUsage: "[DELIVERY]",
		Usage: "prints the delivery ledger, or one delivery with its attempts",
		Description: describe("Prints what was sent to whom, newest first: the last 50 for people, all with --json. --dead shows what was given up. With the number of a delivery it prints its attempts.",
			"regwatch deliveries --dead", "regwatch deliveries --channel ops-webhook --json", "regwatch deliveries 7"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dead", Usage: "only those that were given up"},
			&cli.StringFlag{Name: "register", Usage: "only of the register `ID`"},
			&cli.StringFlag{Name: "channel", Usage: "only over the channel `NAME`"},
			&cli.StringFlag{Name: "subscription", Usage: "only for the subscription `NAME`"},
			limitFlag(),
			jsonFlag(jsonLines),
		},
		ArgValidator: arguments(0, 1),
		Action:       p.opened(p.deliveries),
	}
}

func (p *program) deliveries(ctx context.Context, cmd *cli.Command, a *app.App) error {
	if cmd.Args().Present() {
		return p.oneDelivery(ctx, cmd, a)
	}
	limit, err := rowLimit(cmd)
	if err != nil {
		return err
	}
	filter := register.DeliveryFilter{
		Register: cmd.String("register"), Channel: cmd.String("channel"), Subscription: cmd.String("subscription"), Limit: limit,
	}
	if cmd.Bool("dead") {
		filter.State = register.DeliveryDead
	}
	if !cmd.Bool("json") && limit > 0 {
		filter.Limit++ // one more, to see whether there are any
	}
	deliveries, err := a.Deliveries(ctx, filter)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		for _, d := range deliveries {
			if err := p.line(d); err != nil {
				return err
			}
		}
		return nil
	}
	more := limit > 0 && len(deliveries) > limit
	if more {
		deliveries = deliveries[:limit]
	}
	p.deliveryTable(deliveries)
	if len(deliveries) == 0 {
		p.note("no deliveries")
	}
	if more {
		p.note("earlier ones are not shown: --limit 0 shows all")
	}
	return nil
}

func (p *program) deliveryTable(deliveries []register.Delivery) {
	t := newTable(p.out, "DELIVERY", "CREATED", "EVENT", "REGISTER", "SUBSCRIPTION", "CHANNEL", "STATE", "ATTEMPTS", "LAST ERROR")
	for _, d := range deliveries {
		t.row(fmt.Sprint(d.ID), when(d.CreatedAt), d.Event, d.Register, d.Subscription, d.Channel, string(d.State), fmt.Sprint(d.Attempts), d.LastError)
	}
	t.flush()
}

// deliveryLine is one delivery with its attempts as JSON.
type deliveryLine struct {
	register.Delivery
	Tries []register.Attempt `json:"tries"`
}

func (p *program) oneDelivery(ctx context.Context, cmd *cli.Command, a *app.App) error {
	for _, flag := range []string{"dead", "register", "channel", "subscription", "limit"} {
		if cmd.IsSet(flag) {
			return usage("`regwatch deliveries DELIVERY` shows one delivery: leave out --%s", flag)
		}
	}
	ids, err := deliveryIDs(cmd)
	if err != nil {
		return err
	}
	found, err := a.Deliveries(ctx, register.DeliveryFilter{IDs: ids})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("no delivery %d; `regwatch deliveries` lists them", ids[0])
	}
	attempts, err := a.Attempts(ctx, ids[0])
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		if attempts == nil {
			attempts = []register.Attempt{}
		}
		return p.line(deliveryLine{found[0], attempts})
	}
	p.deliveryTable(found)
	p.say("")
	t := newWholeTable(p.out, "ATTEMPT", "STARTED", "TOOK", "STATUS", "ERROR")
	for _, attempt := range attempts {
		t.row(fmt.Sprint(attempt.Number), exactly(attempt.StartedAt), attempt.Took.String(), number(attempt.Status), attempt.Error)
	}
	t.flush()
	return nil
}
