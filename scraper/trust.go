package scraper

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"strings"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
)

// trust gives a fetch connections of its own where its definition says whom its
// servers are believed by, so that no other register trusts them so.
func (f *fetching) trust(net *safenet.Net) {
	said := f.def.Fetch.TLS
	if said.CA == "" && len(said.Pins) == 0 {
		return
	}
	var trust safenet.Trust
	if trust.Roots, f.untrusted = said.Roots(); f.untrusted != nil {
		return
	}
	if len(said.Pins) > 0 {
		trust.Pinned = func(c *x509.Certificate) bool { return slices.Contains(said.Pins, register.PinOf(c)) }
	}
	if f.own, f.untrusted = net.Trusting(trust); f.untrusted == nil {
		f.transport.net = f.own
	}
}

func (f *fetching) close() {
	if f.own != nil {
		f.own.CloseIdleConnections()
	}
}

// isCertificate reports whether the server's certificate was not accepted.
func isCertificate(err error) bool {
	_, invalid := errors.AsType[*tls.CertificateVerificationError](err)
	_, pin := errors.AsType[*safenet.PinError](err)
	return invalid || pin
}

// trustHint says what to do about a server that proves badly who it is.
func trustHint(err error) string {
	if pin, ok := errors.AsType[*safenet.PinError](err); ok {
		return "the server has another key than fetch.tls.pin says: its own is " + register.PinOf(pin.Server) +
			"; ask its authority whether that is so before you write it down"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is another host's; check the host in fetch.url, or tell the site's authority"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the certificate is out of its time; tell the site's authority, and check this machine's clock"
	}
	if unknown, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "nobody trusted vouches for this certificate. If the authority has a root of its own, or sends its chain incomplete, " +
			"put that certificate under fetch.tls.ca; or pin the server's key (" + register.PinOf(unknown.UnverifiedCertificates[0]) +
			") under fetch.tls.pin, once you have checked it with the authority"
	}
	if saysTLS(err) {
		return "the server offers only encryption that proves nothing any more (older than TLS 1.2, or weak ciphers); tell its authority"
	}
	return ""
}

// saysTLS reports whether a handshake found nothing that both sides accept. Such
// errors have no type.
func saysTLS(err error) bool {
	text := err.Error()
	return strings.Contains(text, "tls: protocol version not supported") || strings.Contains(text, "tls: handshake failure") ||
		strings.Contains(text, "tls: server selected unsupported protocol version")
}
