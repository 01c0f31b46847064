package safenet

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// Limits of every exchange up to the response header.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	headerTimeout    = 30 * time.Second
	idleTimeout      = 60 * time.Second
	clientTimeout    = time.Minute
	maxHeaderBytes   = 1 << 20
	maxRedirects     = 5
	minTLS           = tls.VersionTLS12 // RFC 8996 retires what is older
)

// Options of a [Net].
type Options struct {
	// AllowPrivate lets private, loopback and link-local addresses be dialed.
	AllowPrivate bool
	// Hint is what a [BlockedError] tells the reader to do. Default: to set
	// fetch.allow_private in a definition of one's own.
	Hint string
	// Resolver looks up names; nil: the system's. What it answers is checked
	// like any other address.
	Resolver *net.Resolver
}

// Net dials and speaks HTTP. It is safe for concurrent use.
type Net struct {
	dialer    net.Dialer
	transport *http.Transport
}

// New gives a guarded Net.
func New(o Options) *Net {
	if o.Hint == "" {
		o.Hint = "if this host is yours, set fetch.allow_private: true in a definition of your own"
	}
	guard := newGuard(o)
	n := &Net{dialer: net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second, Control: guard.control, Resolver: o.Resolver}}
	n.transport = n.newTransport()
	return n
}

func (n *Net) newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  nil, // a proxy's address would be all that the guard sees
		DialContext:            n.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: minTLS},
		TLSHandshakeTimeout:    handshakeTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    16, // as many as a webhook may have under way
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true, // bodies arrive as they were sent; whoever asks for gzip caps it
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: headerTimeout, PingTimeout: dialTimeout},
	}
}

// DialContext connects as [net.Dialer] does, to TCP addresses that are not
// refused. A refusal is a [*BlockedError] in the error's chain, and nothing was
// sent.
func (n *Net) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return n.dialer.DialContext(ctx, network, address)
}

// Transport is the guarded transport, shared by all its users. It follows no
// redirect, adds no header, decodes nothing and does not check URLs beyond
// their address; see [CheckURL].
func (n *Net) Transport() *http.Transport { return n.transport }

// Client gives a client for small exchanges: it ends after a minute, checks
// every URL, and follows at most five redirects.
func (n *Net) Client() *http.Client {
	return &http.Client{
		Transport: checked{n.transport},
		Timeout:   clientTimeout,
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("stopped after 5 redirects")
			}
			return nil
		},
	}
}

// Close ends idle connections. The Net may be used again.
func (n *Net) Close() { n.transport.CloseIdleConnections() }

// checked refuses URLs that [CheckURL] refuses, on every hop.
type checked struct{ next http.RoundTripper }

func (c checked) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, err := CheckURL(req.URL.String()); err != nil {
		return nil, err
	}
	return c.next.RoundTrip(req)
}
