package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v3"
)

// version of a release, set by the linker: -ldflags "-X main.version=1.2.3".
var version string

// buildFacts say what was built from what.
type buildFacts struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"` // of the revision
	Modified bool   `json:"modified"`       // beside what the revision holds
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newBuildFacts() buildFacts {
	facts := buildFacts{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return facts
	}
	if facts.Version == "" {
		facts.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			facts.Revision = setting.Value
		case "vcs.time":
			facts.Time = setting.Value
		case "vcs.modified":
			facts.Modified = setting.Value == "true"
		}
	}
	return facts
}

// buildVersion is what requests and metrics call this build.
func buildVersion() string {
	facts := newBuildFacts()
	if facts.Version == "" || facts.Version == "(devel)" {
		return "devel"
	}
	return facts.Version
}

func versionCommand(p *program) *cli.Command {
	return &cli.Command{
		Name: "version", Category: groupService,
		Usage:        "prints what was built from what",
		Description:  describe("Prints version, revision, Go release and platform of this binary.", "regwatch version", "regwatch version --json"),
		Flags:        []cli.Flag{jsonFlag(jsonObject)},
		ArgValidator: arguments(0, 0),
		Action: func(_ context.Context, cmd *cli.Command) error {
			facts := newBuildFacts()
			facts.Version = buildVersion()
			if cmd.Bool("json") {
				return p.line(facts)
			}
			p.say("regwatch %s", facts.Version)
			if facts.Revision != "" {
				changed := ""
				if facts.Modified {
					changed = ", with changes beside it"
				}
				p.say("revision %s of %s%s", facts.Revision, facts.Time, changed)
			}
			p.say("%s %s", facts.Go, facts.Platform)
			return nil
		},
	}
}
