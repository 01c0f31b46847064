package app

import (
	"context"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/notifier/channel"
	"github.com/regwatch/regwatch/register"
)

// checkConfig finds what the notifier and its channels could not work with.
func checkConfig(cfg config.Config) []register.FieldError {
	_, wrong := notifier.NewRouter(cfg.Subscriptions, cfg.Operators)
	for _, c := range cfg.Channels {
		wrong = append(wrong, channel.Check(c)...)
	}
	return wrong
}

// newRouter compiles the subscriptions of a configuration that was checked.
func newRouter(cfg config.Config) (*notifier.Router, error) {
	router, wrong := notifier.NewRouter(cfg.Subscriptions, cfg.Operators)
	if len(wrong) > 0 {
		return nil, wrong[0]
	}
	return router, nil
}

// newChannels makes the configured channels, by name.
func (a *App) newChannels(cfg config.Config) (map[string]notifier.Channel, error) {
	tools := a.tools(cfg)
	channels := map[string]notifier.Channel{}
	for _, c := range cfg.Channels {
		made, err := channel.New(c, tools)
		if err != nil {
			return nil, err
		}
		channels[c.Name] = made
	}
	return channels, nil
}

func (a *App) tools(cfg config.Config) notifier.Tools {
	return notifier.Tools{
		Network: func(allowPrivate bool) notifier.Network {
			if allowPrivate {
				return a.private
			}
			return a.guarded
		},
		Secret: cfg.Reveal(lookupEnv(a.options)), Out: a.options.Stdout, Now: time.Now,
		PublicURL: cfg.HTTP.PublicURL, Version: a.options.Version,
	}
}

// facts is what subscriptions ask of a register.
func (a *App) facts(id string) notifier.RegisterFacts {
	def, err := a.definitions.find(id)
	if err != nil {
		return notifier.RegisterFacts{} // no longer defined: the change itself says the rest
	}
	return notifier.RegisterFacts{Country: def.Authority.Country, Topics: def.Topics, Authority: def.Authority.Name}
}

// waiting counts pending deliveries by channel.
func (a *App) waiting(ctx context.Context) (map[string]int, error) {
	pending, err := a.Store.Deliveries(ctx, register.DeliveryFilter{State: register.DeliveryPending})
	counts := map[string]int{}
	for _, d := range pending {
		counts[d.Channel]++
	}
	return counts, err
}
