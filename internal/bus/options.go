package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Options says where NATS is and how to speak to it. Without URL a server runs
// inside the process.
type Options struct {
	// Dir holds the streams of the embedded server. One process at a time may
	// use it: the caller holds a lock. Required without URL.
	Dir string

	// Listen is the loopback address, host:port, on which the embedded server
	// accepts consumers from outside; port 0 takes a free one. Empty: it does
	// not listen. Needs Token.
	Listen string

	// URL of a NATS server of your own, "nats://…" or "tls://…", several
	// separated by commas. Excludes Dir's server and Listen.
	URL string

	// Token, or User and Password, or the path of a credentials file: at most
	// one of the three. The embedded server knows the token alone.
	Token           string
	User, Password  string
	CredentialsFile string

	// Changes and Ops limit what the two streams keep. Zero fields:
	// [DefaultChanges], [DefaultOps].
	Changes, Ops Limits

	// Logger hears of lost connections, of what is sent again, and of the
	// embedded server's own troubles. Nil: nobody does.
	Logger *slog.Logger
}

// Limits of a stream; when one is reached the oldest messages go.
type Limits struct {
	MaxBytes int64
	MaxAge   time.Duration
}

// Defaults of [Options]. Changes average 2 kB: a gibibyte holds half a million.
var (
	DefaultChanges = Limits{MaxBytes: 1 << 30, MaxAge: 365 * 24 * time.Hour}
	DefaultOps     = Limits{MaxBytes: 64 << 20, MaxAge: 90 * 24 * time.Hour}
)

func (l Limits) or(fallback Limits) Limits {
	if l.MaxBytes == 0 {
		l.MaxBytes = fallback.MaxBytes
	}
	if l.MaxAge == 0 {
		l.MaxAge = fallback.MaxAge
	}
	return l
}

// normalize checks the options and fills in defaults. All errors come at once.
func (o Options) normalize() (Options, error) {
	o.Changes, o.Ops = o.Changes.or(DefaultChanges), o.Ops.or(DefaultOps)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, errors.Join(o.checkPlace(), o.checkCredentials(), o.checkLimits())
}

func (o Options) checkPlace() error {
	switch {
	case o.URL != "" && o.Listen != "":
		return errors.New("nats.url and nats.listen exclude each other: a server of your own listens by itself")
	case o.URL != "":
		for server := range strings.SplitSeq(o.URL, ",") {
			if u, err := url.Parse(strings.TrimSpace(server)); err != nil || u.Host == "" {
				return fmt.Errorf("nats.url %q: want nats://host:port or tls://host:port", redacted(server))
			}
		}
		return nil
	case o.Dir == "":
		return errors.New("embedded NATS needs a directory for its streams")
	case o.Listen != "":
		_, _, err := o.listenAddress()
		return err
	}
	return nil
}

func (o Options) checkCredentials() error {
	ways := 0
	for _, given := range []bool{o.Token != "", o.User != "" || o.Password != "", o.CredentialsFile != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways > 1:
		return errors.New("nats: give one of token, user and password, or credentials")
	case o.User == "" && o.Password != "":
		return errors.New("nats.password: there is no nats.user to go with it")
	case o.Listen != "" && o.Token == "":
		return errors.New("nats.listen: consumers outside need a nats.token (for example token: env:REGWATCH_NATS_TOKEN)")
	case o.URL == "" && ways > 0 && o.Token == "":
		return errors.New("nats: the embedded server knows token alone; user, password and credentials go with nats.url")
	}
	if o.CredentialsFile != "" {
		if _, err := os.Stat(o.CredentialsFile); err != nil {
			return fmt.Errorf("nats.credentials: %w", err)
		}
	}
	return nil
}

func (o Options) checkLimits() error {
	for name, l := range map[string]Limits{"changes": o.Changes, "ops": o.Ops} {
		if l.MaxBytes < 1<<20 || l.MaxAge < time.Hour {
			return fmt.Errorf("nats: limits of the %s stream are %d bytes and %s: want at least 1 MiB and 1 h", name, l.MaxBytes, l.MaxAge)
		}
	}
	return nil
}

// listenAddress reads Listen. Loopback only: whoever serves other machines runs
// a NATS server of his own, with TLS and accounts.
func (o Options) listenAddress() (host string, port int, err error) {
	host, service, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return "", 0, fmt.Errorf("nats.listen %q: want host:port, for example 127.0.0.1:4222", o.Listen)
	}
	port, err = strconv.Atoi(service)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("nats.listen %q: port %q is not a number up to 65535", o.Listen, service)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if address, err := netip.ParseAddr(host); err != nil || !address.Unmap().IsLoopback() {
		return "", 0, fmt.Errorf("nats.listen %q: the embedded server listens on loopback alone; for other machines run nats-server and set nats.url", o.Listen)
	}
	return host, port, nil
}

// redacted gives a URL, or several, without passwords and tokens.
func redacted(urls string) string {
	parts := strings.Split(urls, ",")
	for i, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil {
			parts[i] = "(not a URL)"
			continue
		}
		if u.User != nil {
			u.User = url.User("xxxxx")
		}
		parts[i] = u.String()
	}
	return strings.Join(parts, ",")
}
