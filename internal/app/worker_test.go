package app

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regwatch/regwatch/internal/bus"
	"github.com/regwatch/regwatch/register"
)

// TestCommittedLetsEventsGoAhead: only a large run that has changed something leaves
// them the processors for a while, and not when it is time to stop.
func TestCommittedLetsEventsGoAhead(t *testing.T) {
	some := register.Counts{Added: 1}
	for name, c := range map[string]struct {
		run   register.Run
		ended bool
		want  time.Duration
	}{
		"large, changed":   {run: register.Run{Entries: largeRun, Counts: some}, want: indexAfter},
		"large, unchanged": {run: register.Run{Entries: largeRun}},
		"small, changed":   {run: register.Run{Entries: largeRun - 1, Counts: some}},
		"it is to stop":    {run: register.Run{Entries: largeRun, Counts: some}, ended: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.ended {
					cancel()
				}
				s := &service{relay: new(bus.Bus).NewRelay(nil, bus.RelayOptions{})}
				began := time.Now()
				s.committed(ctx, c.run)
				if took := time.Since(began); took != c.want {
					t.Errorf("it took %v, want %v", took, c.want)
				}
			})
		})
	}
}
