package safenet

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// BlockedError says that an address or a URL was refused before anything was
// sent to it.
type BlockedError struct {
	Address string // as dialed, or the URL
	Why     string
	Hint    string // what to do; may be empty
}

// Error gives address, reason and what to do.
func (e *BlockedError) Error() string {
	s := "refused " + e.Address + ": " + e.Why
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// named are the ranges that people meet, so that a refusal says more than a
// prefix. What is not named here is left to the ssrf package, which follows
// IANA's special-purpose registries.
var named = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("100.64.0.0/10"), "an address shared behind a provider's NAT (RFC 6598)"},
	{netip.MustParsePrefix("64:ff9b::/96"), "an IPv4 address inside IPv6 (NAT64, RFC 6052)"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "an IPv4 address inside IPv6 (NAT64, RFC 8215)"},
	{netip.MustParsePrefix("2002::/16"), "an IPv4 address inside IPv6 (6to4, RFC 3056)"},
	{netip.MustParsePrefix("2001::/32"), "an IPv4 address inside IPv6 (Teredo, RFC 4380)"},
	{netip.MustParsePrefix("::/96"), "an IPv4 address inside IPv6 (RFC 4291)"},
}

type guard struct {
	allowPrivate bool
	hint         string
	ssrf         *ssrf.Guardian
}

func newGuard(o Options) guard {
	return guard{allowPrivate: o.AllowPrivate, hint: o.Hint, ssrf: ssrf.New(ssrf.WithAnyPort())}
}

// control is asked by the dialer for each address it is about to connect to.
func (g guard) control(network, address string, _ syscall.RawConn) error {
	if network != "tcp4" && network != "tcp6" {
		return &BlockedError{Address: address, Why: "network " + network + " is not TCP"}
	}
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &BlockedError{Address: address, Why: "not an IP address and a port"}
	}
	ip := target.Addr().WithZone("").Unmap()
	if why := g.never(ip); why != "" {
		return &BlockedError{Address: address, Why: why}
	}
	if g.allowPrivate {
		return nil
	}
	if why := g.private(ip); why != "" {
		return &BlockedError{Address: address, Why: why, Hint: g.hint}
	}
	return nil
}

// never says why an address is refused even where private ones are allowed.
func (g guard) never(ip netip.Addr) string {
	switch {
	case ip.IsUnspecified():
		return "the unspecified address"
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "a multicast or broadcast address"
	}
	return ""
}

// private says why an address is not public, or nothing.
func (g guard) private(ip netip.Addr) string {
	switch {
	case ip.IsLoopback():
		return "a loopback address"
	case ip.IsLinkLocalUnicast():
		return "a link-local address, where clouds keep their secrets"
	case ip.IsPrivate():
		return "a private address"
	}
	for _, n := range named {
		if n.prefix.Contains(ip) {
			return n.why
		}
	}
	if err := g.ssrf.SafeAddr(ip); err != nil {
		return strings.TrimPrefix(err.Error(), ssrf.ErrProhibitedIP.Error()+": ")
	}
	return ""
}

// IsBlocked reports whether err is a refusal of this package.
func IsBlocked(err error) bool {
	_, ok := errors.AsType[*BlockedError](err)
	return ok
}
