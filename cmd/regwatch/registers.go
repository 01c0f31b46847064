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

func registersCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "registers", Category: groupRegister,
		Usage:       "shows the catalogue, and checks definitions",
		Description: describe("Shows which registers are known, watched and how they stand, and checks definition files.", "regwatch registers list"),
		Action:      missingSubcommand,
		Commands: []*cli.Command{
			{
				Name:  "list",
				Usage: "lists every register: watched ones, the rest of the catalogue, imported ones",
				Description: describe("Lists every register that ships, is configured or is in the store, with its last and its next run.",
					"regwatch registers list", "regwatch registers list --json"),
				Flags: []cli.Flag{jsonFlag(jsonLines)}, ArgValidator: arguments(0, 0), Action: p.opened(p.listRegisters),
			},
			{
				Name: "show", ArgsUsage: "ID",
				Usage: "shows a register's definition and how it stands",
				Description: describe("Shows what a register's definition says, and how the register stands. With --yaml it prints the definition file, to begin one of your own from.",
					"regwatch registers show cz-mf-blocklist", "regwatch registers show cz-mf-blocklist --yaml > my-register.yaml"),
				Flags: []cli.Flag{
					jsonFlag(jsonObject),
					&cli.BoolFlag{Name: "yaml", Usage: "print the definition file"},
				},
				ArgValidator: arguments(1, 1), Action: p.opened(p.showRegister),
			},
			{
				Name: "check", ArgsUsage: "[FILE…]",
				Usage: "validates definition files; without one, all that are configured and shipped",
				Description: describe("Validates definition files and lists everything that is wrong with all of them, by file, line and column. Exit code 1 if anything is.",
					"regwatch registers check my-register.yaml", "regwatch registers check"),
				Flags: []cli.Flag{jsonFlag("a JSON object per file")}, ArgValidator: arguments(0, -1), Action: p.checkDefinitions,
			},
		},
	}
}

// registerLine is a register as JSON.
type registerLine struct {
	ID        string        `json:"register"`
	Title     string        `json:"title"`
	Authority string        `json:"authority,omitempty"`
	Country   string        `json:"country,omitempty"`
	Topics    []string      `json:"topics,omitempty"`
	Defined   bool          `json:"defined"`
	Watched   bool          `json:"watched"`
	Enabled   bool          `json:"enabled"`
	PausedAt  *time.Time    `json:"paused_at"`
	LastRun   *lastRunLine  `json:"last_run"`
	NextRun   *time.Time    `json:"next_run"`
	LastSeen  *time.Time    `json:"last_seen"` // last complete fetch
	Entries   int           `json:"entries"`
	Missing   int           `json:"missing"` // entries whose removal waits for its confirmation
	Sequence  int64         `json:"sequence"`
	Details   *registerPart `json:"definition,omitempty"`
}

type lastRunLine struct {
	Run     register.RunID   `json:"run"`
	At      time.Time        `json:"at"`
	Outcome register.Outcome `json:"outcome"`
	Reason  string           `json:"reason,omitempty"`
}

// registerPart is what a definition says, for `registers show`.
type registerPart struct {
	File        string   `json:"file"`
	About       string   `json:"about,omitempty"`
	License     string   `json:"license,omitempty"`
	Attribution string   `json:"attribution,omitempty"`
	Cron        string   `json:"cron"`
	Timezone    string   `json:"timezone,omitempty"`
	URLs        []string `json:"urls"`
	Format      string   `json:"format"`
	Fields      []string `json:"fields"`
	Key         []string `json:"key"`
	ListedWhile string   `json:"listed_while,omitempty"`
	Fingerprint string   `json:"fingerprint"`
}

func newRegisterLine(r app.Register) registerLine {
	d := r.Definition
	line := registerLine{
		ID: d.ID, Title: d.Title, Authority: d.Authority.Name, Country: d.Authority.Country, Topics: d.Topics,
		Defined: r.Defined, Watched: r.Watched, Enabled: r.Defined && !d.Disabled,
		PausedAt: utc(r.State.PausedAt), NextRun: utc(r.Next), LastSeen: utc(r.State.Head.SeenAt),
		Entries: r.State.Head.Entries, Missing: len(r.State.Head.Memory.Missing), Sequence: r.State.Head.Sequence,
	}
	if run := r.State.LastRun; run.ID != 0 {
		line.LastRun = &lastRunLine{run.ID, run.ObservedAt.UTC(), run.Outcome, run.Reason}
	}
	return line
}

func (p *program) listRegisters(ctx context.Context, cmd *cli.Command, a *app.App) error {
	all, err := a.Registers(ctx)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		for _, r := range all {
			if err := p.line(newRegisterLine(r)); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable(p.out, "REGISTER", "STATE", "ENTRIES", "LAST RUN", "OUTCOME", "NEXT RUN", "TITLE")
	for _, r := range all {
		run := r.State.LastRun
		t.row(r.Definition.ID, standing(r), entriesOf(r), when(run.ObservedAt), string(run.Outcome), when(r.Next), r.Definition.Title)
	}
	t.flush()
	return nil
}

// standing says in a word whether a register is fetched.
func standing(r app.Register) string {
	switch {
	case !r.State.PausedAt.IsZero():
		return "paused"
	case !r.Defined:
		return "not defined"
	case r.Definition.Disabled:
		return "disabled"
	case r.Watched:
		return "watched"
	}
	return "not watched"
}

func entriesOf(r app.Register) string {
	if !r.State.Head.Baselined {
		return "-"
	}
	return fmt.Sprint(r.State.Head.Entries)
}

func (p *program) showRegister(ctx context.Context, cmd *cli.Command, a *app.App) error {
	id := cmd.Args().First()
	r, err := a.Register(ctx, id)
	if err != nil {
		return err
	}
	if cmd.Bool("yaml") {
		text, err := a.DefinitionText(id)
		if err == nil {
			_, err = p.out.WriteString(text)
		}
		return err
	}
	line := newRegisterLine(r)
	if d := r.Definition; r.Defined {
		line.Details = &registerPart{
			File: d.File, About: d.About, License: d.License, Attribution: d.Attribution, Cron: d.Schedule.Cron, Timezone: d.Schedule.Timezone,
			URLs: d.Fetch.URLs, Format: d.Parse.Format, Key: d.Key, ListedWhile: d.ListedWhile, Fingerprint: d.Fingerprint(),
		}
		for _, field := range d.Fields {
			line.Details.Fields = append(line.Details.Fields, field.Name)
		}
	}
	if cmd.Bool("json") {
		return p.line(line)
	}
	p.showLine(r, line)
	return nil
}

func (p *program) showLine(r app.Register, line registerLine) {
	t := newWholeTable(p.out, line.ID, line.Title)
	part := func(name, text string) {
		if text != "" {
			t.row(name, text)
		}
	}
	part("authority", strings.Join(nonEmpty(line.Authority, line.Country), ", "))
	part("state", standing(r))
	part("paused since", when(r.State.PausedAt))
	part("entries", entriesOf(r))
	if line.Missing > 0 {
		part("missing", count(line.Missing, "entry")+", to be confirmed")
	}
	part("last complete fetch", when(r.State.Head.SeenAt))
	if run := line.LastRun; run != nil {
		part("last run", fmt.Sprintf("%s, %s: %s", run.Run, when(run.At), strings.Join(nonEmpty(string(run.Outcome), run.Reason), ": ")))
	}
	part("next run", when(r.Next))
	if d := line.Details; d != nil {
		part("about", d.About)
		part("license", d.License)
		part("attribution", d.Attribution)
		part("topics", strings.Join(line.Topics, ", "))
		part("schedule", strings.Join(nonEmpty(d.Cron, d.Timezone), " "))
		for _, url := range d.URLs {
			part("page", url)
		}
		part("format", d.Format)
		part("fields", strings.Join(d.Fields, ", "))
		part("key", strings.Join(d.Key, ", "))
		part("listed while", d.ListedWhile)
		part("definition", d.File)
	}
	t.flush()
}

func nonEmpty(texts ...string) []string {
	var left []string
	for _, text := range texts {
		if text != "" {
			left = append(left, text)
		}
	}
	return left
}

// checkedLine is a checked file as JSON.
type checkedLine struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"`
	Register string        `json:"register,omitempty"`
	Problems []app.Problem `json:"problems"`
}

func (p *program) checkDefinitions(_ context.Context, cmd *cli.Command) error {
	if !cmd.Args().Present() {
		return p.checkConfigured(cmd)
	}
	checked, err := app.CheckDefinitions(cmd.Args().Slice())
	if err != nil {
		return err
	}
	wrong := 0
	for _, c := range checked {
		wrong += len(c.Problems)
		if err := p.checkedFile(c, cmd.Bool("json")); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return errReported
	}
	return nil
}

func (p *program) checkedFile(c app.Checked, asJSON bool) error {
	if asJSON {
		line := checkedLine{File: c.File, OK: len(c.Problems) == 0, Register: c.Definition.ID, Problems: c.Problems}
		if line.Problems == nil {
			line.Problems = []app.Problem{}
		}
		return p.line(line)
	}
	for _, problem := range c.Problems {
		p.note("regwatch: %s", problem.String())
	}
	if len(c.Problems) == 0 {
		p.checkedOK(c.Definition)
	}
	return nil
}

func (p *program) checkedOK(def register.Definition) {
	p.say("%s: ok: %s, %s with %s, key %s", def.File, def.ID, def.Parse.Format, count(len(def.Fields), "field"), strings.Join(def.Key, ", "))
}

func (p *program) checkConfigured(cmd *cli.Command) error {
	definitions, err := app.CheckConfigured(p.options(cmd))
	if err != nil {
		return err
	}
	for _, def := range definitions {
		if !cmd.Bool("json") {
			p.checkedOK(def)
		} else if err := p.line(checkedLine{File: def.File, OK: true, Register: def.ID, Problems: []app.Problem{}}); err != nil {
			return err
		}
	}
	return nil
}
