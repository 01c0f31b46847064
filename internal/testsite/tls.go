package testsite

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"time"
)

// StartTLS begins to serve https with a certificate that no client should
// accept: "expired", "self-signed", "wrong-host", the old protocol "tls1.0", or
// "weak", which offers no cipher but a broken one.
func StartTLS(kind string) (*Site, error) {
	config, err := badTLS(kind)
	if err != nil {
		return nil, fmt.Errorf("start test site: %w", err)
	}
	certificate, err := x509.ParseCertificate(config.Certificates[0].Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("start test site: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start test site: %w", err)
	}
	s := newSite(tls.NewListener(listener, config), "https")
	s.certificate = certificate
	s.server.ErrorLog = log.New(io.Discard, "", 0) // every handshake is to fail
	s.server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	s.start()
	return s, nil
}

func badTLS(kind string) (*tls.Config, error) {
	now := time.Now()
	certificate := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "regulator"},
		NotBefore: now.AddDate(-2, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch kind {
	case "expired":
		certificate.NotAfter = now.AddDate(0, 0, -1)
	case "wrong-host":
		certificate.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	case "self-signed":
	case "tls1.0":
		config = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10} //nolint:gosec // what clients must refuse
	case "weak":
		config = &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA}} //nolint:gosec // likewise
	default:
		return nil, fmt.Errorf("unknown kind of TLS %q", kind)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, certificate, key.Public(), key)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	return config, nil
}

// Certificate is what a site with TLS shows of itself; nil for one without.
func (s *Site) Certificate() *x509.Certificate { return s.certificate }
