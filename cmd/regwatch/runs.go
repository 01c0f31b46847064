package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func runsCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "runs", Category: groupHistory, ArgsUsage: "[RUN]",
		Usage: "prints runs with their outcomes, or one with its proof",
		Description: describe(`Prints runs, newest first: the last 50 for people, all with --json. With the number of a run it prints that
run: how whole its fetch was, the pages with the hash of their bytes, and what came of it.`,
			"regwatch runs --register cz-mf-blocklist",
			"regwatch runs --held",
			"regwatch runs 12"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "register", Usage: "only of the register `ID`"},
			&cli.BoolFlag{Name: "held", Usage: "only those that hold something"},
			limitFlag(),
			jsonFlag("a JSON object per run"),
		},
		ArgValidator: arguments(0, 1),
		Action:       p.opened(p.runs),
	}
}

func (p *program) runs(ctx context.Context, cmd *cli.Command, a *app.App) error {
	if cmd.Args().Present() {
		return p.oneRun(ctx, cmd, a)
	}
	limit, err := rowLimit(cmd)
	if err != nil {
		return err
	}
	filter := register.RunFilter{Register: cmd.String("register"), Held: cmd.Bool("held"), Limit: limit}
	if !cmd.Bool("json") && limit > 0 {
		filter.Limit++ // one more, to see whether there are any
	}
	runs, err := a.Runs(ctx, filter)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		for _, run := range runs {
			if err := p.line(run); err != nil {
				return err
			}
		}
		return nil
	}
	more := limit > 0 && len(runs) > limit
	if more {
		runs = runs[:limit]
	}
	t := newTable(p.out, "RUN", "OBSERVED", "REGISTER", "TRIGGER", "OUTCOME", "CHANGES", "ENTRIES", "REASON")
	for _, run := range runs {
		t.row(run.ID.String(), when(run.ObservedAt), run.Register, string(run.Trigger), outcomeWord(run),
			number(run.Counts.Total()), fmt.Sprint(run.Entries), run.Reason)
	}
	t.flush()
	if cmd.Bool("held") {
		for _, run := range runs {
			p.heldSample(run)
		}
	}
	if len(runs) == 0 {
		p.note("no runs")
	}
	if more {
		p.note("earlier ones are not shown: --limit 0 shows all")
	}
	return nil
}

// outcomeWord is a run's outcome, with what a table must not hide.
func outcomeWord(run register.Run) string {
	if run.Partial {
		return string(run.Outcome) + " (partial)"
	}
	return string(run.Outcome)
}

// runID reads a run's number from the first argument.
func runID(cmd *cli.Command) (register.RunID, error) {
	text := cmd.Args().First()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, usage("%q is not the number of a run; `regwatch runs` lists them", text)
	}
	return register.RunID(n), nil
}

func (p *program) oneRun(ctx context.Context, cmd *cli.Command, a *app.App) error {
	if cmd.IsSet("register") || cmd.IsSet("held") || cmd.IsSet("limit") {
		return usage("`regwatch runs RUN` shows one run: leave out --register, --held and --limit")
	}
	id, err := runID(cmd)
	if err != nil {
		return err
	}
	run, err := a.Run(ctx, id)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return p.line(run)
	}
	p.showRun(run)
	return nil
}

func (p *program) showRun(run register.Run) {
	p.say("run %s of %s: %s", run.ID, run.Register, outcomeLine(run))
	p.say("trigger %s, origin %s; due %s, observed %s", run.Trigger, run.Origin, exactly(run.Tick), exactly(run.ObservedAt))
	p.proofTable(run.Proof)
	if len(run.Pages) > 0 {
		p.say("")
		t := newWholeTable(p.out, "PAGE", "STATUS", "BYTES", "SHA256")
		for _, page := range run.Pages {
			t.row(page.URL, statusOf(page), fmt.Sprint(page.Bytes), page.SHA256)
		}
		t.flush()
	}
	if run.Outcome == register.OutcomeFailed && run.Read.Rows == 0 {
		return
	}
	p.say("")
	p.say("read %s: %d blank, %d repeated, %d cut; fingerprint %s", count(run.Read.Rows, "row"), run.Read.Blank, run.Read.Repeated, run.Read.Cut, run.Fingerprint)
	p.heldSample(run)
}

// heldSample shows some of what a held run would announce, and how to decide.
func (p *program) heldSample(run register.Run) {
	if run.Outcome != register.OutcomeHeld {
		return
	}
	p.say("")
	p.say("run %s of %s holds, among others:", run.ID, run.Register)
	for _, line := range run.Sample {
		p.say("  %s", app.Visible(line))
	}
	p.say("`regwatch approve %s` believes it, `regwatch reject %s` drops it; only the latest held run of a register can be decided", run.ID, run.ID)
}

func statusOf(page register.Page) string {
	if page.Status == 0 {
		return "file"
	}
	return fmt.Sprint(page.Status)
}
