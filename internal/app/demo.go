package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// Demo shows the main job: a loopback web site publishes real versions of a real
// register one after the other, and the whole service, in a directory that is
// removed afterwards, watches it and tells a terminal and a webhook endpoint.
// Everything that is written to out comes from the store, the stream or a
// receiver.
func Demo(ctx context.Context, version string, out, log io.Writer) error {
	dir, err := os.MkdirTemp("", "regwatch-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer os.RemoveAll(dir)
	d := &demo{show: newDemoShow(out), runs: make(chan register.Run, 1), secret: "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text()))}
	if err := d.perform(ctx, version, dir, log); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// demoPatience bounds the wait for anything that is shown.
const demoPatience = 15 * time.Second

// demo is one performance.
type demo struct {
	show     *demoShow
	secret   string // shared by the webhook channel and its receiver
	def      register.Definition
	site     *testsite.Site
	receiver *receiver
	app      *App
	service  *service
	stream   *streamReader
	runs     chan register.Run
	told     int       // changes announced so far
	before   time.Time // an instant before the apps were listed
	after    time.Time // and one after
}

// perform starts the outside world and the service, and plays every version.
func (d *demo) perform(ctx context.Context, version, dir string, log io.Writer) (err error) {
	if d.site, err = testsite.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.site.Close()) }()
	if d.receiver, err = startReceiver(d.secret); err != nil {
		return err
	}
	defer d.receiver.close()
	if err := d.open(ctx, version, dir, log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.app.Close()) }()
	serving, stop := context.WithCancel(ctx)
	ready, ended := make(chan *service, 1), make(chan error, 1)
	go func() {
		ended <- d.app.serve(serving, []string{RoleScrape, RoleNotify}, nil, hooks{ready: ready, runs: d.runs})
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	select {
	case d.service = <-ready:
	case err := <-ended:
		ended <- nil // it was read here
		return err
	}
	d.stream = readStream(serving, d.service.bus)
	defer d.stream.wait()
	defer stop()
	return d.play(ctx)
}

// open makes an app as a user's configuration would: the definition that ships,
// at the address of our site, and three subscriptions.
func (d *demo) open(ctx context.Context, version, dir string, log io.Writer) error {
	shipped, err := Shipped()
	if err != nil {
		return err
	}
	d.def = shipped["cz-mf-blocklist"]
	d.def.Disabled = false
	d.def.Fetch.URLs = []string{d.site.URL("/list.csv")}
	d.def.Fetch.AllowPrivate = true
	cfg := config.Default()
	cfg.Data, cfg.Log.Level = dir, "error"
	cfg.Subscriptions = []register.Subscription{
		{Name: "new-apps", Registers: []string{"*"}, Kinds: []register.Kind{register.Added, register.Relisted}, When: `category == "app"`, To: []string{"screen", "hook"}},
		{Name: "delisted", Registers: []string{"*"}, Kinds: []register.Kind{register.Removed}, To: []string{"screen", "hook"}},
		{Name: "everything", Registers: []string{"*"}, To: []string{"hook"}},
	}
	cfg.Operators = []string{"screen"}
	cfg.Channels = []register.Channel{
		{Name: "screen", Type: "terminal", Settings: map[string]any{}},
		{Name: "hook", Type: "webhook", Settings: map[string]any{"url": d.receiver.url(), "secret": "env:DEMO_SECRET", "allow_private": true}},
	}
	env := func(name string) (string, bool) {
		if name == "DEMO_SECRET" {
			return d.secret, true
		}
		return os.LookupEnv(name)
	}
	set := &definitionSet{shipped: shipped, watched: map[string]register.Definition{d.def.ID: d.def}}
	options := Options{Version: version, Stdout: d.show.screen(), Stderr: log, env: env, hostRate: 100}
	d.app, err = open(ctx, options, cfg, set)
	return err
}

// play publishes one version after the other and shows what came of each.
func (d *demo) play(ctx context.Context) error {
	d.show.introduction(d.def, d.site.URL("/list.csv"), d.receiver.url())
	for i, v := range demoVersions {
		if err := d.version(ctx, i+1, v); err != nil {
			return fmt.Errorf("version %s: %w", v.file, err)
		}
	}
	return d.conclusion(ctx)
}

// version publishes one version, makes the register due, and waits until
// everybody who is to hear of it has heard.
func (d *demo) version(ctx context.Context, number int, v demoVersion) error {
	body, err := v.body()
	if err != nil {
		return err
	}
	d.site.Publish("/list.csv", testsite.Plain(v.contentType, body))
	d.show.version(number, v, len(body))
	if v.apps {
		d.before = time.Now()
	}
	started := time.Now()
	due := register.Due{Register: d.def.ID, Tick: started.UTC(), Trigger: register.TriggerSchedule}
	if err := d.service.bus.PublishDue(ctx, due); err != nil {
		return err
	}
	run, err := d.nextRun(ctx)
	if err != nil {
		return err
	}
	changes, err := d.changes(ctx, run.ID)
	if err != nil {
		return err
	}
	d.told += len(changes)
	if err := d.heard(ctx); err != nil {
		return err
	}
	if v.apps {
		d.after = time.Now()
	}
	d.show.outcome(run, changes, d.receiver.since(started), d.stream.position())
	return nil
}

func (d *demo) nextRun(ctx context.Context) (register.Run, error) {
	select {
	case run := <-d.runs:
		return run, nil
	case <-time.After(demoPatience):
		return register.Run{}, errors.New("the service made no run")
	case <-ctx.Done():
		return register.Run{}, ctx.Err()
	}
}

// changes reads what a run announced from the store.
func (d *demo) changes(ctx context.Context, run register.RunID) ([]register.Change, error) {
	var changes []register.Change
	err := d.app.Store.Changes(ctx, register.ChangeFilter{Run: run}, func(c register.Change) error {
		changes = append(changes, c)
		return nil
	})
	return changes, err
}

// heard waits until the webhook endpoint and the stream's reader have all
// changes, and until no delivery waits.
func (d *demo) heard(ctx context.Context) error {
	deadline := time.After(demoPatience)
	for {
		stats, err := d.app.Store.Stats(ctx)
		if err != nil {
			return err
		}
		open := stats.Unpublished + stats.Unrouted + stats.Deliveries[register.DeliveryPending]
		got, rejected := d.receiver.got()
		if open == 0 && len(got) == d.told && d.stream.position() == int64(d.told) {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-deadline:
			return fmt.Errorf("of %d changes the webhook got %d and refused %d, the stream gave %d; %d steps are open",
				d.told, len(got), rejected, d.stream.position(), open)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// conclusion asks the history.
func (d *demo) conclusion(ctx context.Context) error {
	count := func(at time.Time) (entries, apps int, err error) {
		err = d.app.Store.AsOf(ctx, d.def.ID, at, func(l register.Listing) error {
			entries++
			if l.Fields.Get("category") == "app" {
				apps++
			}
			return nil
		})
		return entries, apps, err
	}
	d.show.heading("What did the register say? (asof)")
	for _, moment := range []struct {
		at   time.Time
		when string
	}{{d.before, "before the apps were listed"}, {d.after, "after"}} {
		entries, apps, err := count(moment.at)
		if err != nil {
			return err
		}
		d.show.asOf(moment.at, moment.when, entries, apps)
	}
	arrivals, rejected := d.receiver.got()
	d.show.farewell(len(arrivals), rejected, d.stream.position())
	return nil
}
