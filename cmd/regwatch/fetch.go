package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

// shownChanges is how many changes of a fetch people see.
const shownChanges = 20

func fetchCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "fetch", Category: groupRegister, ArgsUsage: "ID",
		Usage: "makes one run of a register now",
		Description: describe(`Fetches a register now and records the run, with its outcome, the proof that the fetch was whole, and what
changed. The first complete fetch is the baseline. What is announced is sent by the running service, or the next one. Exit code
1 if the run failed.`,
			"regwatch fetch cz-mf-blocklist", "regwatch fetch cz-mf-blocklist --json"),
		Flags:        []cli.Flag{jsonFlag(jsonObject)},
		ArgValidator: arguments(1, 1),
		Action:       p.opened(p.fetch),
	}
}

func (p *program) fetch(ctx context.Context, cmd *cli.Command, a *app.App) error {
	def, err := a.Definition(cmd.Args().First())
	if err != nil {
		return err
	}
	if err := a.Fetchable(ctx, def); err != nil {
		return err
	}
	done := p.working("fetching " + def.ID)
	run, changes, err := a.Fetch(ctx, def)
	done()
	if err != nil {
		return err
	}
	err = p.decided(cmd, run, changes)
	if err == nil && run.Outcome == register.OutcomeFailed {
		return fmt.Errorf("run %s of %s failed: %s; what was known stands as it was", run.ID, run.Register, run.Reason)
	}
	return err
}

// decided shows a run that was just made, with what it changed.
func (p *program) decided(cmd *cli.Command, run register.Run, changes []register.Change) error {
	if !cmd.Bool("json") {
		p.fetched(run, changes)
		return nil
	}
	if changes == nil {
		changes = []register.Change{}
	}
	return p.line(struct {
		Run     register.Run      `json:"run"`
		Changes []register.Change `json:"changes"`
	}{run, changes})
}

func (p *program) fetched(run register.Run, changes []register.Change) {
	p.say("run %s of %s: %s", run.ID, run.Register, outcomeLine(run))
	p.proofTable(run.Proof)
	p.heldSample(run)
	if len(changes) == 0 {
		return
	}
	p.say("")
	p.changeTable(changes[:min(len(changes), shownChanges)])
	if left := len(changes) - shownChanges; left > 0 {
		p.say("and %d more: `regwatch changes --register %s`", left, run.Register)
	}
}

// outcomeLine says on one line what came of a run.
func outcomeLine(run register.Run) string {
	line := outcomeWord(run)
	if run.Outcome == register.OutcomeFailed {
		return line + ": " + run.Reason
	}
	line += fmt.Sprintf(": %s, %s", countsLine(run.Counts), count(run.Entries, "entry"))
	if run.Waiting > 0 {
		line += fmt.Sprintf(", %d missing and to be confirmed", run.Waiting)
	}
	if run.NotModified {
		line += ", the same as at the last complete fetch"
	}
	if run.Reason != "" {
		line += ": " + run.Reason
	}
	return line
}
