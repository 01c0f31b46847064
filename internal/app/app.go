package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/regwatch/regwatch/differ/index"
	"github.com/regwatch/regwatch/internal/archive"
	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/pipeline"
	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/internal/store/sqlite"
	"github.com/regwatch/regwatch/internal/telemetry"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// Options are what a command line says before the command.
type Options struct {
	ConfigFile string // empty: the data directory's regwatch.yaml, if there is one
	Data       string // empty: the configuration's
	LogLevel   string // empty: the configuration's
	Version    string
	Stdout     io.Writer // of terminal channels
	Stderr     io.Writer // of the log

	env       func(string) (string, bool) // nil: the process's environment
	hostRate  float64                     // requests per second to one host; 0: the scraper's default
	retryBase time.Duration               // the middle of the first wait before a retry; 0: the scraper's default
}

// App is the program with its store, archive and definitions open.
type App struct {
	Config  config.Config
	Store   *sqlite.Store
	Archive *archive.Archive

	options     Options
	log         *slog.Logger
	definitions *definitionSet
	scraper     *scraper.Scraper
	guarded     *safenet.Net // the channels' way out to public addresses
	private     *safenet.Net // and to private ones, where a channel says so
	closers     []func() error
}

// Open reads the configuration and the definitions, and opens store and archive
// in the data directory, which it makes if need be. Several processes may have
// one data directory open; only one of them may [App.Serve].
func Open(ctx context.Context, options Options) (*App, error) {
	cfg, err := loadConfig(options)
	if err != nil {
		return nil, err
	}
	definitions, err := loadDefinitions(cfg)
	if err != nil {
		return nil, err
	}
	return open(ctx, options, cfg, definitions)
}

func open(ctx context.Context, options Options, cfg config.Config, definitions *definitionSet) (*App, error) {
	a := &App{Config: cfg, options: options, definitions: definitions}
	var err error
	if a.log, err = telemetry.Logger(options.Stderr, cfg.Log.Level, cfg.Log.Format); err != nil {
		return nil, err
	}
	a.guarded = safenet.New(safenet.Options{Hint: "if this receiver is yours, set allow_private: true in its channel"})
	a.private = safenet.New(safenet.Options{AllowPrivate: true})
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w (choose another with --data or REGWATCH_DATA)", err)
	}
	if a.Archive, err = archive.Open(filepath.Join(cfg.Data, "archive")); err != nil {
		return nil, err
	}
	a.closers = append(a.closers, a.Archive.Close)
	if a.Store, err = sqlite.Open(ctx, filepath.Join(cfg.Data, "regwatch.db"), sqlite.Options{}); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.closers = append(a.closers, a.Store.Close)
	a.scraper = scraper.New(scraper.Options{
		Archive: bodies{a.Archive}, SpoolDir: a.Config.Data, HostRate: options.hostRate, RetryBase: options.retryBase,
		Contact: cfg.Contact, Version: options.Version, Logger: a.log,
	})
	a.closers = append(a.closers, a.closeConnections)
	return a, nil
}

// Close closes what was opened, last first.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *App) closeConnections() error {
	a.scraper.Close()
	a.guarded.Close()
	a.private.Close()
	return nil
}

// Definition finds a register's definition among the configured ones, then in
// the catalogue.
func (a *App) Definition(id string) (register.Definition, error) { return a.definitions.find(id) }

func (a *App) pipeline(source pipeline.Source) *pipeline.Pipeline {
	return &pipeline.Pipeline{
		Source: source, Heads: a.Store, Commits: a.Store, Open: a.Archive.Open, Now: time.Now,
		Indexes: index.Files{Dir: filepath.Join(a.Config.Data, "index")},
	}
}

// bodies lends the archive to the scraper.
type bodies struct{ *archive.Archive }

// Create begins a body.
func (b bodies) Create(ctx context.Context) (scraper.Body, error) { return b.Archive.Create(ctx) }

func loadConfig(options Options) (config.Config, error) {
	cfg, err := config.Load(configFile(options), lookupEnv(options), checkConfig)
	if err != nil {
		return config.Config{}, err
	}
	if options.LogLevel != "" {
		cfg.Log.Level = options.LogLevel
	}
	return cfg, nil
}

func configFile(options Options) string { return options.ConfigFile }

// lookupEnv reads the environment, in which the command line's --data wins.
func lookupEnv(options Options) func(string) (string, bool) {
	return func(name string) (string, bool) {
		switch {
		case name == "REGWATCH_DATA" && options.Data != "":
			return options.Data, true
		case options.env != nil:
			return options.env(name)
		default:
			return os.LookupEnv(name)
		}
	}
}
