package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func subscriptionsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "subscriptions", Category: groupTelling,
		Usage:       "shows, checks and tries who hears of what",
		Description: describe("Shows the configured subscriptions, checks them, and sends test messages.", "regwatch subscriptions list"),
		Action:      missingSubcommand,
		Commands: []*cli.Command{
			{
				Name:         "list",
				Usage:        "lists who hears of what, and over which channels",
				Description:  describe("Lists the configured subscriptions. `operators` hear of registers that fail.", "regwatch subscriptions list", "regwatch subscriptions list --json"),
				Flags:        []cli.Flag{jsonFlag(jsonLines)},
				ArgValidator: arguments(0, 0), Action: p.opened(p.listSubscriptions),
			},
			{
				Name:  "check",
				Usage: "checks subscriptions and channels, their secrets too",
				Description: describe("Checks the configuration more closely than the service does when it starts: every name under a subscription's `registers` must mean a watched register, and every secret must be readable. Exit code 1 if anything is wrong.",
					"regwatch subscriptions check"),
				Flags:        []cli.Flag{jsonFlag(jsonObject)},
				ArgValidator: arguments(0, 0), Action: p.checkSubscriptions,
			},
			{
				Name: "test", ArgsUsage: "NAME",
				Usage: "sends one message that is marked as a test",
				Description: describe("Sends one message, marked as a test, through each channel of a subscription (or of `operators`) now, and says what came of it. It is not retried and not recorded. Exit code 1 if a channel did not take it.",
					"regwatch subscriptions test everything"),
				Flags:        []cli.Flag{jsonFlag("a JSON object per channel")},
				ArgValidator: arguments(1, 1), Action: p.opened(p.testSubscription),
			},
		},
	}
}

// subscriptionLine is a subscription as JSON.
type subscriptionLine struct {
	Name      string          `json:"subscription"`
	Registers []string        `json:"registers"`
	Kinds     []register.Kind `json:"kinds"` // empty: all
	When      string          `json:"when,omitempty"`
	To        []string        `json:"to"`
}

func (p *program) listSubscriptions(_ context.Context, cmd *cli.Command, a *app.App) error {
	all := a.Subscriptions()
	if cmd.Bool("json") {
		for _, s := range all {
			line := subscriptionLine{s.Name, append([]string{}, s.Registers...), append([]register.Kind{}, s.Kinds...), s.When, s.To}
			if err := p.line(line); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(p.out, "SUBSCRIPTION", "REGISTERS", "KINDS", "WHEN", "TO")
	for _, s := range all {
		var to, kinds []string
		for _, name := range s.To {
			to = append(to, fmt.Sprintf("%s (%s)", name, a.ChannelType(name)))
		}
		for _, kind := range s.Kinds {
			kinds = append(kinds, string(kind))
		}
		if s.Name == register.Operators {
			t.row(s.Name, "-", "signals", "-", strings.Join(to, ", "))
			continue
		}
		t.row(s.Name, strings.Join(s.Registers, ", "), or(strings.Join(kinds, ", "), "all"), or(s.When, "-"), strings.Join(to, ", "))
	}
	t.flush()
	return nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (p *program) checkSubscriptions(_ context.Context, cmd *cli.Command) error {
	err := app.CheckSubscriptions(p.options(cmd))
	if !cmd.Bool("json") {
		if err == nil {
			p.say("subscriptions and channels are well")
		}
		return err
	}
	problems := []string{}
	if err != nil {
		problems = strings.Split(err.Error(), "\n")
	}
	if written := p.line(struct {
		OK       bool     `json:"ok"`
		Problems []string `json:"problems"`
	}{err == nil, problems}); written != nil {
		return written
	}
	if err != nil {
		return errReported
	}
	return nil
}

// trialLine is what came of a test message as JSON.
type trialLine struct {
	Channel string        `json:"channel"`
	OK      bool          `json:"ok"`
	Event   string        `json:"event"`
	Took    time.Duration `json:"took"`
	Error   string        `json:"error,omitempty"`
}

func (p *program) testSubscription(ctx context.Context, cmd *cli.Command, a *app.App) error {
	failed := false
	var writing error
	err := a.TestSubscription(ctx, cmd.Args().First(), func(trial app.Trial) {
		failed = failed || trial.Err != nil
		line := trialLine{trial.Channel, trial.Err == nil, trial.Event, trial.Took, ""}
		if trial.Err != nil {
			line.Error = trial.Err.Error()
		}
		switch {
		case cmd.Bool("json"):
			writing = p.line(line)
		case line.OK:
			p.say("%s: accepted after %s, id %s", line.Channel, line.Took.Round(time.Millisecond), line.Event)
		default:
			p.note("regwatch: %s: not accepted: %s", line.Channel, line.Error)
		}
		if err := p.out.Flush(); writing == nil {
			writing = err
		}
	})
	switch {
	case err != nil:
		return err
	case writing != nil:
		return writing
	case failed:
		return errReported
	}
	return nil
}
