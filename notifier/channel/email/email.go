package email

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/regwatch/regwatch/notifier"
)

const maxError = 300 // characters of a server's words that are kept

// Email sends through one mail server.
type Email struct {
	settings
	network notifier.Network
	secret  string // the password
	roots   *x509.CertPool
	now     func() time.Time
	agent   string
}

// Send sends one mail to all recipients.
func (e *Email) Send(ctx context.Context, m notifier.Message) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	message, err := e.message(m)
	if err != nil {
		return &notifier.SendError{Permanent: true, Err: err}
	}
	client, err := e.client(ctx)
	if err != nil {
		return &notifier.SendError{Err: err}
	}
	err = client.DialAndSendWithContext(ctx, message)
	if err == nil || message.IsDelivered() { // what goes wrong after the server took it is no failure
		return nil
	}
	return e.failed(ctx, err)
}

// client is made for one mail, so that the connection ends with the context.
func (e *Email) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(e.port), gomail.WithTimeout(e.timeout), gomail.WithoutNoop(), gomail.WithoutRset(),
		gomail.WithTLSConfig(e.tlsConfig()), gomail.WithDialContextFunc(e.dialer(ctx)), gomail.WithTLSPolicy(e.policy()),
	}
	if e.secret != "" {
		options = append(options, gomail.WithUsername(e.user), gomail.WithPassword(e.secret), gomail.WithSMTPAuth(e.auth()))
	}
	client, err := gomail.NewClient(e.host, options...)
	if err != nil {
		return nil, fmt.Errorf("prepare mail client: %w", err)
	}
	return client, nil
}

// policy leaves implicit TLS to the dialer, which wraps the connection itself:
// go-mail would not believe a connection it did not encrypt.
func (e *Email) policy() gomail.TLSPolicy {
	switch e.tls {
	case startTLS:
		return gomail.TLSMandatory
	case implicitTLS:
		return gomail.TLSOpportunistic
	}
	return gomail.NoTLS
}

// auth lets the server choose; in clear, which only loopback may be, any way is
// good enough.
func (e *Email) auth() gomail.SMTPAuthType {
	if e.tls == noTLS {
		return gomail.SMTPAuthPlainNoEnc
	}
	return gomail.SMTPAuthAutoDiscover
}

func (e *Email) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: e.host, MinVersion: tls.VersionTLS12, RootCAs: e.roots}
}

// dialer connects through the guarded network and closes the connection when ctx
// ends, whatever the mail client is waiting for.
func (e *Email) dialer(ctx context.Context) gomail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := e.network.DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		if e.tls != implicitTLS {
			return conn, nil
		}
		encrypted := tls.Client(conn, e.tlsConfig())
		if err := encrypted.HandshakeContext(dialing); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return encrypted, nil
	}
}

// failed tells what the server said, and whether it may say otherwise later.
func (e *Email) failed(ctx context.Context, err error) error {
	// The connection has the same deadline, and may notice first.
	if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return &notifier.SendError{Err: fmt.Errorf("%s did not take the mail within %s", e.host, e.timeout)}
	}
	failure := &notifier.SendError{Err: fmt.Errorf("send mail through %s: %w", e.host, shown{err})}
	if sent, ok := errors.AsType[*gomail.SendError](err); ok {
		failure.Status = sent.ErrorCode()
		failure.Permanent = failure.Status >= 500 && failure.Status < 600
	}
	return failure
}

// shown keeps a server's words short and visible.
type shown struct{ error }

// Error gives the visible words.
func (s shown) Error() string {
	return notifier.Shorten(notifier.Visible(s.error.Error()), maxError)
}

// Unwrap gives the cause.
func (s shown) Unwrap() error { return s.error }
