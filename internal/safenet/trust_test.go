package safenet

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// issued is a certificate with its key.
type issued struct {
	*x509.Certificate
	key crypto.Signer
}

// issue makes a certificate, signed by by; nil: by itself.
func issue(t *testing.T, by *issued, key crypto.Signer, change ...func(*x509.Certificate)) *issued {
	t.Helper()
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "c" + now.String()},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, f := range change {
		f(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issued{certificate, key}
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func authority(c *x509.Certificate) { c.IsCA = true }
func expired(c *x509.Certificate)   { c.NotAfter = time.Now().Add(-time.Minute) }
func notYet(c *x509.Certificate)    { c.NotBefore = time.Now().Add(time.Minute) }
func elsewhere(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} }
func clientOnly(c *x509.Certificate) {
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

// speak asks a server that shows chain for a page, as t trusts it, and gives the
// protocol that was spoken.
func speak(t *testing.T, trust Trust, chain ...*issued) (string, error) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	shown := tls.Certificate{PrivateKey: chain[0].key}
	for _, c := range chain {
		shown.Certificate = append(shown.Certificate, c.Raw)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{shown}}
	server.StartTLS()
	defer server.Close()
	n := New(Options{AllowPrivate: true})
	transport, err := n.Trusting(trust)
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	res, err := client.Get(server.URL)
	if err != nil {
		return "", err
	}
	return res.Proto, res.Body.Close()
}

func pins(certificates ...*issued) func(*x509.Certificate) bool {
	return func(c *x509.Certificate) bool {
		for _, pinned := range certificates {
			if string(pinned.RawSubjectPublicKeyInfo) == string(c.RawSubjectPublicKeyInfo) {
				return true
			}
		}
		return false
	}
}

func TestTrust(t *testing.T) {
	root := issue(t, nil, newKey(t), authority)
	between := issue(t, root, newKey(t), authority)
	server := issue(t, between, newKey(t))
	alone := issue(t, nil, newKey(t))
	stranger := issue(t, nil, newKey(t), authority)
	forged := issue(t, stranger, newKey(t))
	old, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	oldRoot := issue(t, nil, old, authority)
	signedWithSHA1 := issue(t, oldRoot, newKey(t), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })
	of := func(change func(*x509.Certificate)) *issued { return issue(t, root, newKey(t), change) }
	byItself := func(change func(*x509.Certificate)) *issued { return issue(t, nil, newKey(t), change) }
	roots := func(c ...*issued) (list []*x509.Certificate) {
		for _, one := range c {
			list = append(list, one.Certificate)
		}
		return list
	}
	unknown, name, time, pin := new(x509.UnknownAuthorityError), new(x509.HostnameError), new(x509.CertificateInvalidError), new(*PinError)
	for _, test := range []struct {
		name  string
		trust Trust
		chain []*issued
		want  any // kind of the refusal; nil: it is believed
	}{
		{"nothing said", Trust{}, []*issued{server, between}, unknown},
		{"its root is trusted", Trust{Roots: roots(root)}, []*issued{server, between}, nil},
		{"its root is trusted, the chain incomplete", Trust{Roots: roots(root)}, []*issued{server}, unknown},
		{"the link that is left out is trusted", Trust{Roots: roots(between)}, []*issued{server}, nil},
		{"it is trusted itself", Trust{Roots: roots(alone)}, []*issued{alone}, nil},
		{"another root is trusted", Trust{Roots: roots(stranger)}, []*issued{server, between}, unknown},
		{"trusted root, signed with SHA-1", Trust{Roots: roots(oldRoot)}, []*issued{signedWithSHA1}, unknown},
		{"trusted root, signed with SHA-256", Trust{Roots: roots(oldRoot)}, []*issued{issue(t, oldRoot, newKey(t))}, nil},
		{"trusted root, expired", Trust{Roots: roots(root)}, []*issued{of(expired)}, time},
		{"trusted root, not yet valid", Trust{Roots: roots(root)}, []*issued{of(notYet)}, time},
		{"trusted root, another host", Trust{Roots: roots(root)}, []*issued{of(elsewhere)}, name},

		{"pinned by itself", Trust{Pinned: pins(alone)}, []*issued{alone}, nil},
		{"pinned, signed by nobody trusted", Trust{Pinned: pins(server)}, []*issued{server, between}, nil},
		{"pinned and trusted", Trust{Roots: roots(root), Pinned: pins(server)}, []*issued{server, between}, nil},
		{"its link pinned and its root trusted", Trust{Roots: roots(root), Pinned: pins(between)}, []*issued{server, between}, nil},
		{"its root pinned and trusted", Trust{Roots: roots(root), Pinned: pins(root)}, []*issued{server, between}, nil},
		{"a later certificate with the pinned key", Trust{Pinned: pins(alone)}, []*issued{issue(t, nil, alone.key)}, nil},
		{"trusted, another pinned", Trust{Roots: roots(root), Pinned: pins(alone)}, []*issued{server, between}, pin},
		{"another pinned", Trust{Pinned: pins(server)}, []*issued{alone}, unknown},
		{"the root pinned and not trusted", Trust{Pinned: pins(root)}, []*issued{server, between, root}, unknown},
		{"the pinned one only shown along", Trust{Pinned: pins(alone)}, []*issued{forged, alone, stranger}, unknown},
		{"the pinned one shown along with a trusted chain", Trust{Roots: roots(root), Pinned: pins(alone)}, []*issued{server, between, alone}, pin},
		{"pinned, expired", Trust{Pinned: func(*x509.Certificate) bool { return true }}, []*issued{byItself(expired)}, time},
		{"pinned, not yet valid", Trust{Pinned: func(*x509.Certificate) bool { return true }}, []*issued{byItself(notYet)}, time},
		{"pinned, another host", Trust{Pinned: func(*x509.Certificate) bool { return true }}, []*issued{byItself(elsewhere)}, name},
		{"pinned, no server's certificate", Trust{Pinned: func(*x509.Certificate) bool { return true }}, []*issued{byItself(clientOnly)}, time},
	} {
		proto, err := speak(t, test.trust, test.chain...)
		switch {
		case test.want == nil && (err != nil || proto != "HTTP/2.0"):
			t.Errorf("%s: %q, %v", test.name, proto, err)
		case test.want != nil && !errors.As(err, test.want):
			t.Errorf("%s: %q, %v; want a %T", test.name, proto, err, test.want)
		}
	}
}

// What is pinned is not asked for in the clear either: a redirect would do away
// with the pin.
func TestPinnedNeverSpeaksPlain(t *testing.T) {
	server, connections := countingServer(t)
	n := New(Options{AllowPrivate: true})
	transport, err := n.Trusting(Trust{Pinned: func(*x509.Certificate) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: transport}
	res, err := client.Get(server.URL)
	if err == nil {
		res.Body.Close()
	}
	if !IsBlocked(err) || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
}

// A pin opens no way inside.
func TestPinnedIsGuarded(t *testing.T) {
	server, connections := countingServer(t)
	n := New(Options{})
	transport, err := n.Trusting(Trust{Pinned: func(*x509.Certificate) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: transport}
	res, err := client.Get("https://" + server.Listener.Addr().String())
	if err == nil {
		res.Body.Close()
	}
	if !IsBlocked(err) || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
}
