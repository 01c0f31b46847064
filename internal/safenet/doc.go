// Package safenet is the one way out: the dialer and the HTTP client that
// everything outbound uses, be it a fetch, a webhook or a mail.
//
// It promises that no packet goes to an address that is not public, whatever a
// definition, a redirect or a name server says: the address is checked when it
// is dialed, after the name was resolved, so a name that resolves differently
// the second time gains nothing. A [Net] made with AllowPrivate lifts that for
// private, loopback and link-local addresses. It also promises TLS 1.2 or newer
// with verified certificates (by roots or keys of one source's own where asked;
// see [Net.Trusting]), no proxy, and a time limit on every step up to
// the response header.
//
// It does not limit bodies or whole exchanges: that is their reader's part.
package safenet
