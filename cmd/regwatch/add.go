package main

import (
	"context"

	"github.com/urfave/cli/v3"
)

// addCommand is refused by name until it is built.
func addCommand() *cli.Command {
	return &cli.Command{
		Name: "add", Category: groupRegister, ArgsUsage: "URL",
		Usage: "is not built yet: will propose a definition for a page",
		Description: describe(`Will look at a page or file and propose a definition for it. It is not built yet: write a definition by
hand, as docs/adding-a-register.md shows, and check it.`,
			"regwatch registers check my-register.yaml"),
		SkipFlagParsing: true,
		Action: func(context.Context, *cli.Command) error {
			return usage("`add` is not built yet: write a definition by hand, see docs/adding-a-register.md")
		},
	}
}
