package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/regwatch/regwatch/internal/bus"
	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/schedules"
)

// closeWithin bounds the broker's orderly end.
const closeWithin = 10 * time.Second

func (s *service) busOptions() (bus.Options, error) {
	n := s.Config.NATS
	options := bus.Options{Dir: filepath.Join(s.Config.Data, "nats"), Listen: n.Listen, URL: n.URL, Logger: s.log}
	reveal := s.Config.Reveal(lookupEnv(s.options))
	var err error
	if n.Token != "" {
		if options.Token, err = reveal(string(n.Token)); err != nil {
			return bus.Options{}, err
		}
	}
	if n.Credentials != "" {
		options.CredentialsFile = s.Config.CredentialsPath()
	}
	return options, nil
}

// assemble makes the parts that the roles run.
func (s *service) assemble() error {
	watched, _ := s.definitions.all()
	var err error
	s.scheduler, err = schedules.NewScheduler(schedules.Options{Definitions: watched, Publisher: s.bus, Ledger: ticks{s.Store}, Log: s.log})
	if err != nil {
		return err
	}
	s.lookout = &schedules.Lookout{
		Attempts: attempts{s}, Clock: s.hooks.clock, Log: s.log,
		Definitions: func() []register.Definition { watched, _ := s.definitions.all(); return watched },
	}
	if s.lookout.Clock == nil {
		s.lookout.Clock = schedules.SystemClock{}
	}
	s.relay = s.bus.NewRelay(s.Store, bus.RelayOptions{Source: s.Config.HTTP.PublicURL, Holder: s.holder(), Logger: s.log})
	router, err := newRouter(s.Config)
	if err != nil {
		return err
	}
	s.warnOfSilence(router)
	channels, err := s.newChannels(s.Config)
	if err != nil {
		return err
	}
	s.notifier = notifier.New(notifier.Options{
		Source: s.bus, Ledger: s.Store, Router: router, Channels: channels, Facts: s.facts,
		PublicURL: s.Config.HTTP.PublicURL, Logger: s.log, Waiting: s.waiting, Attempted: s.attempted,
	})
	return nil
}

// warnOfSilence tells of subscriptions to registers that nobody watches, which
// may be misspelt.
func (s *service) warnOfSilence(router *notifier.Router) {
	watched, _ := s.definitions.all()
	ids := make([]string, len(watched))
	for i, def := range watched {
		ids[i] = def.ID
	}
	for _, unmatched := range router.Unmatched(ids, s.facts) {
		s.log.Warn("a subscription waits for nothing", "err", unmatched)
	}
}

// reloads puts new definitions, subscriptions and channels in force, each time
// it is asked to. What is broken leaves the old ones in force.
func (s *service) reloads(ctx context.Context, reload <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-reload:
		}
		if err := s.reload(); err != nil {
			s.log.Error("configuration and definitions were not read again; the old ones stay in force", "err", err)
			continue
		}
		watched, _ := s.definitions.all()
		s.log.Info("configuration and definitions were read again", "registers", len(watched), "subscriptions", len(s.Config.Subscriptions))
	}
}

func (s *service) reload() error {
	cfg, err := loadConfig(s.options)
	if err != nil {
		return err
	}
	definitions, err := loadDefinitions(cfg)
	if err != nil {
		return err
	}
	router, err := newRouter(cfg)
	if err != nil {
		return err
	}
	channels, err := s.newChannels(cfg)
	if err != nil {
		return err
	}
	watched, _ := definitions.all()
	old := s.definitions.replace(definitions) // first, so that workers know what becomes due
	if err := s.scheduler.Replace(watched); err != nil {
		s.definitions.replace(old)
		return err
	}
	s.warnOfSilence(router)
	s.notifier.Replace(router, channels)
	s.keepSetAtStart(cfg)
	return nil
}

// keepSetAtStart takes over what a reload may change; the rest needs a restart.
func (s *service) keepSetAtStart(cfg config.Config) {
	if cfg.Data != s.Config.Data || cfg.Contact != s.Config.Contact || cfg.NATS != s.Config.NATS || cfg.HTTP != s.Config.HTTP ||
		cfg.Archive != s.Config.Archive || cfg.Log != s.Config.Log || cfg.Scrape != s.Config.Scrape {
		s.log.Warn("only registers, subscriptions, channels and operators are read again: what else has changed needs a restart")
	}
	s.Config.Subscriptions, s.Config.Channels, s.Config.Operators, s.Config.Registers = cfg.Subscriptions, cfg.Channels, cfg.Operators, cfg.Registers
}

// observe counts a run.
func (s *service) observe(run register.Run) {
	s.metrics.Run(run.Register, string(run.Outcome), run.FinishedAt.Sub(run.StartedAt))
	for kind, n := range run.Counts.ByKind() {
		s.metrics.Changes(run.Register, kind, n)
	}
	if run.Proof.Complete() {
		s.metrics.Complete(run.Register, run.ObservedAt)
	}
	if s.hooks.runs != nil {
		s.hooks.runs <- run
	}
}

// attempted counts an attempt to deliver.
func (s *service) attempted(d register.Delivery, attempt register.Attempt) {
	since := attempt.StartedAt.Add(attempt.Took).Sub(d.CreatedAt)
	s.metrics.Attempt(d.Channel, string(d.State), d.State == register.DeliveryDelivered, since)
}
