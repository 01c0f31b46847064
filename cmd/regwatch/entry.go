package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func entryCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "entry", Category: groupHistory, ArgsUsage: "ID KEY",
		Usage: "prints one entry's life",
		Description: describe(`Prints every content that an entry had, for its time, and every change. KEY is the JSON array that the
other commands show, the entry's id, or a text that leads to one key. A text that begins with a dash stands after --.`,
			"regwatch entry cz-mf-blocklist 'Wishwin Casino'",
			`regwatch entry ee-emta-blocked '["example.com"]' --json`),
		Flags:        []cli.Flag{jsonFlag(jsonObject)},
		ArgValidator: arguments(2, 2),
		Action:       p.opened(p.entry),
	}
}

// historyLine is an entry's life as JSON.
type historyLine struct {
	Register string            `json:"register"`
	EntryID  string            `json:"entry_id"`
	Key      register.Key      `json:"key"`
	Listed   bool              `json:"listed"`
	Listings []periodLine      `json:"listings"`
	Changes  []register.Change `json:"changes"`
}

// periodLine is one content of an entry, for its time.
type periodLine struct {
	entryLine
	From time.Time  `json:"from"`
	To   *time.Time `json:"to"` // null: still so
}

func (p *program) entry(ctx context.Context, cmd *cli.Command, a *app.App) error {
	id := cmd.Args().Get(0)
	history, err := a.Entry(ctx, id, cmd.Args().Get(1))
	if err != nil {
		return err
	}
	line := historyLine{Register: id, EntryID: history.ID, Key: history.Key, Listings: []periodLine{}, Changes: history.Changes}
	for _, l := range history.Listings {
		line.Listed = line.Listed || l.To == nil
		line.Listings = append(line.Listings, periodLine{listingLine(id, l), l.From.UTC(), l.To})
	}
	if line.Changes == nil {
		line.Changes = []register.Change{}
	}
	if cmd.Bool("json") {
		return p.line(line)
	}
	p.showEntry(line)
	return nil
}

func (p *program) showEntry(line historyLine) {
	state := "is listed"
	if !line.Listed {
		state = "is not listed any more"
	}
	p.say("%s", line.Key.Display())
	p.say("%s in %s; key %s, id %s", state, line.Register, line.Key, line.EntryID)
	p.say("")
	t := newWholeTable(p.out, "FROM", "TO", "FIELDS")
	for _, l := range line.Listings {
		to := "still"
		switch {
		case l.To != nil:
			to = when(*l.To)
		case l.MissingSince != nil:
			to = "missing since " + when(*l.MissingSince)
		}
		t.row(when(l.From), to, fieldsLine(l.Fields))
	}
	t.flush()
	if len(line.Changes) > 0 {
		p.say("")
		p.changeTable(line.Changes)
	}
}
