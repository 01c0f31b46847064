package safenet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
)

// Trust is whom one source's servers are believed by.
type Trust struct {
	// Roots are trusted beside the system's.
	Roots []*x509.Certificate
	// Pinned is asked for each certificate of a verified chain: one of them must
	// be pinned. Where there is no chain to a trusted root, the server's own
	// certificate must be. nil: any chain to a trusted root will do.
	Pinned func(*x509.Certificate) bool
}

// PinError says that a server's key is not among the pinned ones.
type PinError struct {
	Host   string
	Server *x509.Certificate // its own
}

// Error names the host.
func (e *PinError) Error() string {
	return "no certificate of " + e.Host + " has a pinned key"
}

// Trusting gives a guarded transport of its own that believes servers by t.
// Whatever t says, a certificate must be of the host's name and in its time, and
// the protocol TLS 1.2 or newer. Where keys are pinned, nothing is dialed without
// TLS. The caller ends its idle connections.
func (n *Net) Trusting(t Trust) (*http.Transport, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's trusted certificates: %w", err)
	}
	for _, root := range t.Roots {
		roots.AddCert(root)
	}
	transport := n.newTransport()
	transport.TLSClientConfig.RootCAs = roots
	if t.Pinned != nil {
		p := pinned{net: n, roots: roots, pinned: t.Pinned}
		transport.DialContext = p.refusePlain
		transport.DialTLSContext = p.dial
	}
	return transport, nil
}

// pinned dials servers whose keys are pinned.
type pinned struct {
	net    *Net
	roots  *x509.CertPool
	pinned func(*x509.Certificate) bool
}

func (p pinned) refusePlain(_ context.Context, _, address string) (net.Conn, error) {
	return nil, &BlockedError{Address: address, Why: "a connection without TLS, where the server's key is pinned"}
}

// dial connects and shakes hands. The host is bound here, because the state of a
// connection does not name a host that is an IP address.
func (p pinned) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	plain, err := p.net.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, &tls.Config{
		MinVersion: minTLS, ServerName: host, NextProtos: []string{"h2", "http/1.1"},
		InsecureSkipVerify: true, //nolint:gosec // in favour of verify, which may accept a pinned key without a root
		VerifyConnection:   func(state tls.ConnectionState) error { return p.verify(host, state.PeerCertificates) },
	})
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // the handshake's error says more
		return nil, err
	}
	return conn, nil
}

// verify looks for a pinned key in the chains to a trusted root, or else asks
// for the server's own certificate to be pinned, and right in all but its root.
func (p pinned) verify(host string, presented []*x509.Certificate) error {
	if len(presented) == 0 {
		return errors.New("the server has no certificate")
	}
	server, between := presented[0], x509.NewCertPool()
	for _, certificate := range presented[1:] {
		between.AddCert(certificate)
	}
	options := x509.VerifyOptions{DNSName: host, Roots: p.roots, Intermediates: between}
	chains, err := server.Verify(options)
	if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown && p.pinned(server) {
		itself := x509.NewCertPool()
		itself.AddCert(server)
		options.Roots = itself
		chains, err = server.Verify(options)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: presented, Err: err}
	}
	for _, chain := range chains {
		if slices.ContainsFunc(chain, p.pinned) {
			return nil
		}
	}
	return &PinError{Host: host, Server: server}
}
