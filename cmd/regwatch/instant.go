package main

import (
	"time"

	"github.com/urfave/cli/v3"
)

// minutes is how people are shown a time, and may give one.
const minutes = "2006-01-02T15:04Z"

// instant reads the time that a flag gives; the zero time where it is not set.
func instant(cmd *cli.Command, flag string) (time.Time, error) {
	text := cmd.String(flag)
	if text == "" && !cmd.IsSet(flag) {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, minutes, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, usage("--%s %q is not a time: want a date such as 2025-12-23 (its first instant in UTC) or 2025-12-23T02:27:29Z", flag, text)
}

func instantFlag(name, what string, required bool) cli.Flag {
	return &cli.StringFlag{Name: name, Usage: what + ", a date or RFC 3339 `TIME`", Required: required}
}

// when shows a time to people; nothing for the zero time.
func when(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(minutes)
}

// exactly shows a time as programs and evidence have it.
func exactly(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func now() time.Time { return time.Now().UTC() }
