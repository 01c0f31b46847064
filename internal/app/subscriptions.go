package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/notifier"
	"github.com/regwatch/regwatch/register"
)

// trialTimeout bounds the sending of one test message.
const trialTimeout = time.Minute

// Subscriptions gives the configured subscriptions, and the operators' as one of
// that name, with no registers.
func (a *App) Subscriptions() []register.Subscription {
	all := append([]register.Subscription(nil), a.Config.Subscriptions...)
	if len(a.Config.Operators) > 0 {
		all = append(all, register.Subscription{Name: register.Operators, To: a.Config.Operators})
	}
	return all
}

// ChannelType gives the type of a configured channel.
func (a *App) ChannelType(name string) string {
	for _, c := range a.Config.Channels {
		if c.Name == name {
			return c.Type
		}
	}
	return ""
}

func (a *App) subscription(name string) (register.Subscription, error) {
	var known []string
	for _, s := range a.Subscriptions() {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	hint := "`regwatch subscriptions list` shows them"
	if near := register.Nearest(name, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return register.Subscription{}, fmt.Errorf("no subscription %q: %w; %s", name, register.ErrNotFound, hint)
}

// CheckSubscriptions examines the configuration as the service would when it
// starts, and more closely: every name under `registers` of a subscription must
// mean a watched register, and every secret must be readable. The error lists
// everything that is wrong.
func CheckSubscriptions(options Options) error {
	cfg, err := config.Load(configFile(options), lookupEnv(options), checkConfig, unmatched)
	if err != nil {
		return err
	}
	a := &App{options: options}
	a.guarded, a.private = safenet.New(safenet.Options{}), safenet.New(safenet.Options{AllowPrivate: true})
	var errs []error
	for _, c := range cfg.Channels {
		one := cfg
		one.Channels = []register.Channel{c}
		if _, err := a.newChannels(one); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// unmatched finds what subscriptions call registers and nobody watches.
func unmatched(cfg config.Config) []register.FieldError {
	definitions, err := loadDefinitions(cfg)
	if err != nil {
		return []register.FieldError{{Path: "registers", Message: err.Error()}}
	}
	router, wrong := notifier.NewRouter(cfg.Subscriptions, cfg.Operators)
	if len(wrong) > 0 {
		return nil // reported by checkConfig
	}
	watched, _ := definitions.all()
	var ids []string
	for _, def := range watched {
		ids = append(ids, def.ID)
	}
	return router.Unmatched(ids, (&App{definitions: definitions}).facts)
}

// Trial is what came of one test message.
type Trial struct {
	Channel string
	Event   string // its id, which is also the webhook-id
	Took    time.Duration
	Err     error
}

// TestSubscription sends one marked message through each of a subscription's
// channels now, not through the ledger, and tells what came of each.
func (a *App) TestSubscription(ctx context.Context, name string, tell func(Trial)) error {
	subscription, err := a.subscription(name)
	if err != nil {
		return err
	}
	channels, err := a.newChannels(a.Config)
	if err != nil {
		return err
	}
	for _, channel := range subscription.To {
		tell(a.try(ctx, subscription.Name, channel, channels[channel]))
	}
	return nil
}

func (a *App) try(ctx context.Context, subscription, name string, channel notifier.Channel) Trial {
	began := time.Now()
	message, err := notifier.NewTrial("test-"+rand.Text(), subscription, a.Config.HTTP.PublicURL, began)
	trial := Trial{Channel: name, Event: message.Event.ID, Err: err}
	if err != nil {
		return trial
	}
	message.Delivery.Channel = name
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	trial.Err = channel.Send(ctx, message)
	trial.Took = time.Since(began)
	return trial
}

// Replay routes the announced changes since an instant once more, by all
// subscriptions or by one, and gives how many deliveries are pending for it. The
// running service, or the next one, sends them.
func (a *App) Replay(ctx context.Context, since time.Time, subscription string) (int, error) {
	cfg := a.Config
	if subscription != "" {
		one, err := a.subscription(subscription)
		if err != nil {
			return 0, err
		}
		cfg.Subscriptions = []register.Subscription{one}
	}
	if len(cfg.Subscriptions) == 0 {
		return 0, errors.New("nobody is subscribed: write `subscriptions` into the configuration")
	}
	router, err := newRouter(cfg)
	if err != nil {
		return 0, err
	}
	routes := func(c register.Change) []register.Delivery {
		deliveries, err := router.Route(register.Outgoing{ID: c.ID, Register: c.Register, Change: &c}, a.facts)
		if err != nil {
			a.log.Warn("a condition failed; the change is delivered all the same", "change", c.ID, "register", c.Register, "err", err)
		}
		return deliveries
	}
	return a.Store.Replay(ctx, since, routes, time.Now())
}
