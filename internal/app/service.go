package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/regwatch/regwatch/internal/bus"
	"github.com/regwatch/regwatch/internal/telemetry"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// The roles of the service. A laptop and a cluster run the same code path,
// through NATS in both.
const (
	RoleSchedule = "schedule" // decides what is due
	RoleScrape   = "scrape"   // makes runs
	RoleNotify   = "notify"   // publishes and delivers changes
	RoleServe    = "serve"    // answers HTTP
)

// Roles lists every role.
var Roles = []string{RoleSchedule, RoleScrape, RoleNotify, RoleServe}

// service is the running program: what its roles share.
type service struct {
	*App
	roles     []string
	bus       *bus.Bus
	relay     *bus.Relay
	scheduler *schedules.Scheduler
	lookout   *schedules.Lookout
	notifier  *notifier.Notifier
	metrics   *telemetry.Metrics
	health    *telemetry.Health
	hooks     hooks
}

// hooks let a test and the demo follow the service.
type hooks struct {
	ready chan<- *service     // gets the service once it runs
	runs  chan<- register.Run // gets every run once it is recorded; nil: nobody listens
	clock schedules.Clock     // of the lookout; nil: the machine's
}

// Serve runs the service in the given roles (none: all) until ctx ends, and
// returns when all that it started has ended. Each value from reload makes it
// read configuration and definitions again; what is broken leaves the old ones
// in force.
func Serve(ctx context.Context, options Options, roles []string, reload <-chan struct{}) error {
	if err := checkRoles(roles); err != nil {
		return err
	}
	a, err := Open(ctx, options)
	if err != nil {
		return err
	}
	err = a.serve(ctx, roles, reload, hooks{})
	return errors.Join(err, a.Close())
}

// serve opens the broker and starts the roles:
//
//	schedule ─due─▶ scrape ─commit─▶ outbox ─▶ notify: relay ─▶ stream ─▶ route ─▶ deliver
func (a *App) serve(ctx context.Context, roles []string, reload <-chan struct{}, hooks hooks) error {
	if len(roles) == 0 {
		roles = Roles
	}
	s := &service{App: a, roles: roles, metrics: telemetry.NewMetrics(), health: telemetry.NewHealth(), hooks: hooks}
	if err := s.refuseIdle(); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	options, err := s.busOptions()
	if err != nil {
		return err
	}
	if s.bus, err = bus.Open(ctx, options); err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeWithin)
		defer cancel()
		if err := s.bus.Close(closing); err != nil {
			s.log.Warn("the broker did not close in order", "err", err)
		}
	}()
	if err := s.assemble(); err != nil {
		return err
	}
	return s.run(ctx, reload)
}

// run starts what the roles ask for and waits for all of it.
func (s *service) run(ctx context.Context, reload <-chan struct{}) error {
	group, ctx := errgroup.WithContext(ctx)
	if s.has(RoleSchedule) {
		group.Go(func() error { return s.scheduler.Run(ctx) })
		group.Go(func() error { return s.lookout.Run(ctx) })
	}
	if s.has(RoleScrape) {
		group.Go(func() error { return s.bus.ConsumeDue(ctx, s.Config.Scrape.Workers, s.work) })
		group.Go(func() error { return s.tidy(ctx) })
		group.Go(func() error { return s.indexes(ctx) })
	}
	if s.has(RoleNotify) {
		group.Go(func() error { return s.relay.Run(ctx) })
		group.Go(func() error { return s.notifier.Run(ctx) })
	}
	if s.has(RoleServe) {
		group.Go(func() error { return s.listen(ctx) })
	}
	group.Go(func() error { return s.gauges(ctx) })
	group.Go(func() error { return s.reloads(ctx, reload) })
	watched, _ := s.definitions.all()
	s.log.Info("regwatch is running", "version", s.options.Version, "roles", strings.Join(s.roles, ","),
		"registers", len(watched), "data", s.Config.Data, "http", s.Config.HTTP.Listen, "nats", s.bus.URL())
	if s.hooks.ready != nil {
		s.hooks.ready <- s
	}
	err := group.Wait()
	s.log.Info("regwatch has stopped")
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *service) has(role string) bool { return slices.Contains(s.roles, role) }

// refuseIdle says what to write when nothing is to be watched.
func (s *service) refuseIdle() error {
	if watched, _ := s.definitions.all(); len(watched) > 0 {
		return nil
	}
	file := s.Config.File()
	if file == "" {
		file = filepath.Join(s.Config.Data, "regwatch.yaml")
	}
	return fmt.Errorf("nothing is watched: write `registers: [cz-mf-blocklist]` into %s (`regwatch init` makes a file to start from, `regwatch registers list` shows what ships)", file)
}

func checkRoles(roles []string) error {
	for _, role := range roles {
		if !slices.Contains(Roles, role) {
			return fmt.Errorf("no role %q; there are %s", role, strings.Join(Roles, ", "))
		}
	}
	return nil
}

// holder names this data directory's service in leases: the next process of the
// same directory goes on at once where a killed one stopped.
func (s *service) holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + ":" + s.Config.Data
}
