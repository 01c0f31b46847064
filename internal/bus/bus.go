package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	requestTimeout = 5 * time.Second        // of one question to JetStream
	connectFor     = 30 * time.Second       // until a server that does not answer is an error
	connectEvery   = 500 * time.Millisecond // while it does not
	reconnectWait  = time.Second
)

// Bus is an open connection with its streams. Its methods may be called at the
// same time.
type Bus struct {
	options  Options
	log      *slog.Logger
	server   *embedded // nil: a server of somebody else's
	conn     *nats.Conn
	closed   chan struct{} // closed with the connection
	js       jetstream.JetStream
	ill      illness
	unread   unread
	batching batching

	// How long a message may be silent in work until it comes again, and how
	// long one waits whose register is in work.
	dueAckWait, eventAckWait, dueBusyWait time.Duration
}

// Open starts the embedded server, or connects to the one that the options
// name, and creates or updates the streams. An external server that is not up
// yet is waited for, half a minute at most. Opening again what was closed, or
// killed, finds every message that had been acknowledged.
func Open(ctx context.Context, options Options) (*Bus, error) {
	options, err := options.normalize()
	if err != nil {
		return nil, err
	}
	b := &Bus{
		options: options, log: options.Logger, closed: make(chan struct{}),
		dueAckWait: dueAckWait, eventAckWait: eventAckWait, dueBusyWait: dueBusyWait,
	}
	if options.URL == "" {
		if b.server, err = startEmbedded(options); err != nil {
			return nil, err
		}
	}
	if err := b.connect(ctx); err != nil {
		if b.server != nil {
			b.server.shutdown()
		}
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// Close ends the connection after what was sent has left, and stops the
// embedded server, its files synced. Whatever consumes, and the relay, must
// have returned before. When ctx ends first the connection is cut; the server
// is stopped in any case.
func (b *Bus) Close(ctx context.Context) error {
	err := b.conn.Drain()
	if err == nil {
		select {
		case <-b.closed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	b.conn.Close()
	<-b.closed
	if b.server != nil {
		b.server.shutdown()
	}
	if err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrConnectionReconnecting) {
		return fmt.Errorf("close NATS connection: %w", err)
	}
	return nil
}

// URL is where consumers outside connect, without credentials; empty when the
// embedded server does not listen.
func (b *Bus) URL() string {
	if b.server != nil {
		return b.server.url()
	}
	return redacted(b.options.URL)
}

func (b *Bus) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	if b.js, err = jetstream.New(b.conn, jetstream.WithPublishAsyncTimeout(requestTimeout), jetstream.WithDefaultTimeout(requestTimeout)); err != nil {
		return fmt.Errorf("open JetStream: %w", err)
	}
	if err := b.ensureStreams(ctx); err != nil {
		return err
	}
	if b.server != nil {
		return b.releaseDue(ctx)
	}
	return nil
}

func (b *Bus) connect(ctx context.Context) error {
	deadline, cancel := context.WithTimeout(ctx, connectFor)
	defer cancel()
	for {
		var err error
		if b.conn, err = nats.Connect(b.options.URL, b.connectOptions()...); err == nil {
			return nil
		}
		err = fmt.Errorf("connect to NATS at %s: %w", b.place(), err)
		if b.server != nil || !errors.Is(err, nats.ErrNoServers) {
			return err
		}
		select {
		case <-deadline.Done():
			return err
		case <-time.After(connectEvery):
		}
	}
}

func (b *Bus) place() string {
	if b.server != nil {
		return "this process"
	}
	return redacted(b.options.URL)
}

// explain puts what NATS says of a connection that is down into words.
func (b *Bus) explain(err error) error {
	if errors.Is(err, nats.ErrReconnectBufExceeded) {
		return fmt.Errorf("no connection to NATS at %s", b.place())
	}
	return err
}

func (b *Bus) connectOptions() []nats.Option {
	o := b.options
	options := []nats.Option{
		nats.Name("regwatch"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		// What could not be sent fails at once and is sent again by us, in order;
		// a buffer would send it behind our back, after the reconnection.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("NATS connection lost", "server", b.place(), "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { b.log.Info("NATS connection is back", "server", b.place()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Warn("NATS error", "err", err) }),
		nats.ClosedHandler(func(*nats.Conn) { close(b.closed) }),
	}
	if b.server != nil {
		options = append(options, nats.InProcessServer(b.server))
	}
	switch {
	case o.Token != "":
		options = append(options, nats.Token(o.Token))
	case o.User != "":
		options = append(options, nats.UserInfo(o.User, o.Password))
	case o.CredentialsFile != "":
		options = append(options, nats.UserCredentials(o.CredentialsFile))
	}
	return options
}
