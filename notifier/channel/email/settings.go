package email

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/regwatch/regwatch/notifier"
)

// How the connection is encrypted.
const (
	startTLS    = "starttls" // begins in clear and must switch; port 587
	implicitTLS = "tls"      // from the first byte; port 465
	noTLS       = "none"
)

const (
	defaultTimeout = 30 * time.Second
	maxRecipients  = 50
)

// settings are a mail channel's, as written.
type settings struct {
	host, tls      string
	port           int
	from           *mail.Address
	to             []*mail.Address
	user, password string
	ca             string // reference to certificates
	timeout        time.Duration
	allowPrivate   bool
}

// Check reads the settings.
func Check(s *notifier.Settings) { read(s) }

func read(s *notifier.Settings) settings {
	v := settings{}
	v.host, v.port = server(s)
	v.from = address(s, "from", s.Required("from", "write the sender's address"))
	recipients := s.Texts("to")
	if len(recipients) == 0 || len(recipients) > maxRecipients {
		s.Refuse("to", fmt.Sprintf("%d recipients", len(recipients)), fmt.Sprintf("write 1 to %d addresses", maxRecipients))
	}
	for i, text := range recipients {
		v.to = append(v.to, address(s, fmt.Sprintf("to[%d]", i), text))
	}
	v.user = s.Text("user", "")
	v.password = s.Secret("password")
	if v.password != "" && v.user == "" && v.from != nil {
		v.user = v.from.Address
	}
	if v.user != "" && v.password == "" {
		s.Refuse("password", "missing", "user goes with a password: env:NAME or file:PATH")
	}
	if v.tls = s.OneOf("tls", defaultTLS(v.port), startTLS, implicitTLS, noTLS); v.tls == noTLS && v.password != "" && !isLoopback(v.host) {
		s.Refuse("tls", "a password would travel in clear", "write starttls or tls")
	}
	v.ca = s.Secret("ca")
	v.timeout = s.Duration("timeout", defaultTimeout, time.Second, 5*time.Minute)
	v.allowPrivate = s.Flag("allow_private")
	return v
}

func defaultTLS(port int) string {
	if port == 465 {
		return implicitTLS
	}
	return startTLS
}

func server(s *notifier.Settings) (string, int) {
	text := s.Required("server", "write host:port, such as smtp.example.org:587")
	if text == "" {
		return "", 0
	}
	host, portText, err := net.SplitHostPort(text)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || host == "" || port == 0 {
		s.Refuse("server", "not host:port", "write smtp.example.org:587")
		return "", 0
	}
	return host, int(port)
}

// address reads one address, with or without a name; nil if it is none.
func address(s *notifier.Settings, name, text string) *mail.Address {
	if text == "" {
		return nil
	}
	a, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		s.Refuse(name, "not a mail address", "write somebody@example.org")
		return nil
	}
	return a
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// New makes an Email, reading its secrets.
func New(s *notifier.Settings, tools notifier.Tools) (notifier.Channel, error) {
	e := &Email{settings: read(s), now: tools.Now, agent: tools.UserAgent()}
	e.network = tools.Network(e.allowPrivate)
	if e.password != "" {
		var err error
		if e.secret, err = tools.Secret(e.password); err != nil {
			return nil, err
		}
	}
	if e.ca != "" {
		text, err := tools.Secret(e.ca)
		if err != nil {
			return nil, err
		}
		e.roots = x509.NewCertPool()
		if !e.roots.AppendCertsFromPEM([]byte(text)) {
			return nil, fmt.Errorf("ca %s: no certificate in PEM", e.ca)
		}
	}
	return e, nil
}
