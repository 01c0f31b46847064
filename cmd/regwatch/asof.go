package main

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/regwatch/regwatch/internal/app"
	"github.com/regwatch/regwatch/register"
)

func asofCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "asof", Category: groupHistory, ArgsUsage: "ID",
		Usage: "prints a register as it stood at an instant",
		Description: describe(`Prints the entries that were listed at an instant, by default now, oldest first: in the order of the fetches
that brought them, and of the page. With --match only those in whose key or values TEXT stands; every character of it means
itself.`,
			"regwatch asof cz-mf-blocklist --at 2025-12-22",
			"regwatch asof cz-mf-blocklist --match casino --limit 20",
			"regwatch asof cz-mf-blocklist --at 2025-12-23T02:27:29Z --json"),
		Flags: []cli.Flag{
			instantFlag("at", "as the register stood at (default: now)", false),
			&cli.StringFlag{Name: "match", Usage: "only with `TEXT` in the key or in a value; case does not matter"},
			&cli.IntFlag{Name: "limit", Usage: "the first `N` only; 0: all", HideDefault: true},
			jsonFlag(jsonLines),
		},
		ArgValidator: arguments(1, 1),
		Action:       p.opened(p.asof),
	}
}

func (p *program) asof(ctx context.Context, cmd *cli.Command, a *app.App) error {
	at, err := instant(cmd, "at")
	if err != nil {
		return err
	}
	id, limit := cmd.Args().First(), cmd.Int("limit")
	if limit < 0 {
		return usage("--limit %d: want a number of rows, or 0 for all", limit)
	}
	show, done := p.entryTable(cmd, id)
	entries := 0
	err = listings(ctx, a, id, at, cmd.String("match"), func(l register.Listing) error {
		if entries++; limit > 0 && entries > limit {
			return errEnough
		}
		return show(l)
	})
	more := errors.Is(err, errEnough)
	if err != nil && !more {
		return err
	}
	done()
	if at.IsZero() {
		at = now()
	}
	if cmd.Bool("json") {
		return nil
	}
	if more {
		p.note("%s at %s: the first %s; there are more", id, when(at), count(limit, "entry"))
		return nil
	}
	p.note("%s at %s: %s", id, when(at), count(entries, "entry"))
	return nil
}

// errEnough ends a stream of which no more is wanted.
var errEnough = errors.New("enough")

// listings yields what was listed at an instant, in whose key or values a text
// stands if there is one.
func listings(ctx context.Context, a *app.App, id string, at time.Time, text string, yield func(register.Listing) error) error {
	if text != "" {
		return a.Find(ctx, id, at, text, yield)
	}
	return a.AsOf(ctx, id, at, yield)
}

// entryTable shows listings as JSON or to people; done ends it.
func (p *program) entryTable(cmd *cli.Command, id string) (show func(register.Listing) error, done func()) {
	if cmd.Bool("json") {
		return func(l register.Listing) error { return p.line(listingLine(id, l)) }, func() {}
	}
	t := newTable(p.out, "FIRST SEEN", "ENTRY", "FIELDS")
	return func(l register.Listing) error {
		t.row(when(l.FirstSeen), l.Key.Display(), fieldsLine(l.Fields))
		return nil
	}, t.flush
}
