package safenet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestControlRefusesWhatIsNotPublic(t *testing.T) {
	guarded, open := newGuard(Options{Hint: "hint"}), newGuard(Options{AllowPrivate: true})
	tests := []struct {
		ip            string
		public, never bool
	}{
		{ip: "93.184.216.34", public: true},
		{ip: "2606:2800:220:1:248:1893:25c8:1946", public: true},
		{ip: "127.0.0.1"},
		{ip: "127.1.2.3"},
		{ip: "::1"},
		{ip: "::ffff:127.0.0.1"},
		{ip: "::ffff:7f00:1"},
		{ip: "::ffff:93.184.216.34", public: true},
		{ip: "10.0.0.1"},
		{ip: "172.16.0.1"},
		{ip: "192.168.1.1"},
		{ip: "169.254.169.254"},
		{ip: "fe80::1%eth0"},
		{ip: "fd00::1"},
		{ip: "fec0::1"},
		{ip: "100.64.0.1"},
		{ip: "100.127.255.255"},
		{ip: "100.128.0.1", public: true},
		{ip: "64:ff9b::7f00:1"},
		{ip: "64:ff9b:1::7f00:1"},
		{ip: "2002:7f00:1::"},
		{ip: "2001::1"},
		{ip: "::7f00:1"},
		{ip: "192.0.2.1"},
		{ip: "198.18.0.1"},
		{ip: "240.0.0.1"},
		{ip: "0.0.0.0", never: true},
		{ip: "::", never: true},
		{ip: "224.0.0.1", never: true},
		{ip: "255.255.255.255", never: true},
		{ip: "ff02::1", never: true},
		{ip: "::ffff:0.0.0.0", never: true},
	}
	for _, test := range tests {
		network := "tcp4"
		if strings.Contains(test.ip, ":") {
			network = "tcp6"
		}
		address := net.JoinHostPort(test.ip, "80")
		if err := guarded.control(network, address, nil); (err == nil) != test.public {
			t.Errorf("guarded, %s: %v", test.ip, err)
		} else if err != nil && !IsBlocked(err) {
			t.Errorf("guarded, %s: %v is not a BlockedError", test.ip, err)
		}
		if err := open.control(network, address, nil); (err != nil) != test.never {
			t.Errorf("private allowed, %s: %v", test.ip, err)
		}
	}
	for _, network := range []string{"udp4", "unix", "ip4:icmp"} {
		if err := open.control(network, "127.0.0.1:80", nil); !IsBlocked(err) {
			t.Errorf("network %s: %v", network, err)
		}
	}
}

// countingServer answers, and counts the connections that reached it.
func countingServer(t *testing.T) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, &connections
}

func TestGuardedClientSendsNothingToLoopback(t *testing.T) {
	server, connections := countingServer(t)
	port := server.Listener.Addr().(*net.TCPAddr).Port
	n := New(Options{})
	defer n.Close()
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:7f00:1]", "localhost", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "100.64.0.1", "169.254.169.254"} {
		target := &net.TCPAddr{Port: port}
		res, err := n.Client().Get("http://" + host + strings.TrimPrefix(target.String(), "<nil>"))
		if err == nil {
			res.Body.Close()
		}
		blocked, ok := errors.AsType[*BlockedError](err)
		if !ok {
			t.Errorf("%s: %v", host, err)
			continue
		}
		if !strings.Contains(blocked.Error(), "fetch.allow_private: true") {
			t.Errorf("%s: %q does not say what to do", host, blocked)
		}
	}
	if got := connections.Load(); got != 0 {
		t.Errorf("%d connections reached loopback", got)
	}
}

func TestPrivateClientReachesLoopback(t *testing.T) {
	server, connections := countingServer(t)
	n := New(Options{AllowPrivate: true})
	defer n.Close()
	res, err := n.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if connections.Load() != 1 {
		t.Errorf("%d connections", connections.Load())
	}
}

func TestClientRefusesRedirects(t *testing.T) {
	server, _ := countingServer(t)
	n := New(Options{AllowPrivate: true})
	defer n.Close()
	for _, to := range []string{"file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://0x7f000001/", "http://2130706433/"} {
		res, err := n.Client().Get(server.URL + "/?to=" + strings.ReplaceAll(to, "@", "%40"))
		if err == nil {
			res.Body.Close()
		}
		if !IsBlocked(err) {
			t.Errorf("redirect to %s: %v", to, err)
		}
	}
}

func TestRedirectLoopEnds(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/", http.StatusFound)
	}))
	defer server.Close()
	n := New(Options{AllowPrivate: true})
	defer n.Close()
	res, err := n.Client().Get(server.URL)
	if err == nil || !strings.Contains(err.Error(), "5 redirects") {
		t.Errorf("%v, %v", res, err)
	}
	if res != nil {
		res.Body.Close()
	}
	if asked.Load() != 6 {
		t.Errorf("asked %d times, want the page and 5 redirects", asked.Load())
	}
}

// nameServer answers over UDP on loopback, each question of a kind with the next
// of answers and the last one for ever, to be kept for no time at all.
func nameServer(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		asked := map[dnsmessage.Type]int{}
		buffer := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var message dnsmessage.Message
			if message.Unpack(buffer[:size]) != nil || len(message.Questions) == 0 {
				continue
			}
			message.Response, message.Additionals = true, nil
			question := message.Questions[0]
			for _, text := range strings.Fields(answers[min(asked[question.Type], len(answers)-1)]) {
				if body := resource(question.Type, netip.MustParseAddr(text)); body != nil {
					header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class, TTL: 0}
					message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: body})
				}
			}
			asked[question.Type]++
			if packed, err := message.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	t.Cleanup(func() { conn.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// resource is an address as the answer to a kind of question; nil: it is none.
func resource(kind dnsmessage.Type, ip netip.Addr) dnsmessage.ResourceBody {
	switch {
	case kind == dnsmessage.TypeA && ip.Is4():
		return &dnsmessage.AResource{A: ip.As4()}
	case kind == dnsmessage.TypeAAAA && ip.Is6():
		return &dnsmessage.AAAAResource{AAAA: ip.As16()}
	}
	return nil
}

// dialed is what the guard said of each address that was about to be dialed.
type dialed struct {
	mu       sync.Mutex
	verdicts map[string]bool // address → refused
}

var errPublic = errors.New("the test talks to loopback only")

// watch notes what the guard of n says. What it lets pass ends before a packet
// is sent: a test has no public address of its own.
func watch(n *Net) *dialed {
	d := &dialed{verdicts: map[string]bool{}}
	guard := n.dialer.Control
	n.dialer.Control = func(network, address string, conn syscall.RawConn) error {
		err := guard(network, address, conn)
		host, _, _ := net.SplitHostPort(address)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.verdicts[host] = IsBlocked(err)
		if err == nil {
			return errPublic
		}
		return err
	}
	return d
}

// A name's first address may be public, and the next answer, a moment later, one
// inside; or both come at once. Each address that is dialed is judged, and none
// that is refused sees a packet.
func TestHostile03NamesThatLeadInside(t *testing.T) {
	const public, public6 = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"
	server, connections := countingServer(t)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, test := range []struct {
		name    string
		answers []string // to the first, the second … dial
		refused string   // addresses that are judged and refused
		passed  string
	}{
		{"rebinding, TTL 0", []string{public, "127.0.0.1", "10.0.0.1"}, "127.0.0.1 10.0.0.1", public},
		{"rebinding and back", []string{public, "127.0.0.1", public}, "127.0.0.1", public},
		{"mixed, public first", []string{public + " 127.0.0.1"}, "127.0.0.1", public},
		{"mixed, loopback first", []string{"127.0.0.1 " + public}, "127.0.0.1", public},
		{"mixed, all inside", []string{"127.0.0.1 10.0.0.1 169.254.169.254"}, "127.0.0.1 10.0.0.1 169.254.169.254", ""},
		{"mixed families", []string{public + " ::1"}, "::1", public},
		{"mixed families, the other way", []string{public6 + " 127.0.0.1"}, "127.0.0.1", public6},
		{"IPv4 in IPv6", []string{"64:ff9b::7f00:1 2002:7f00:1::"}, "64:ff9b::7f00:1 2002:7f00:1::", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := New(Options{Resolver: nameServer(t, test.answers...)})
			defer n.Close()
			seen := watch(n)
			for range test.answers {
				conn, err := n.DialContext(t.Context(), "tcp", net.JoinHostPort("rebind.example", port))
				if err == nil {
					conn.Close()
					t.Error("connected")
				}
			}
			want := map[string]bool{}
			for _, ip := range strings.Fields(test.refused) {
				want[ip] = true
			}
			for _, ip := range strings.Fields(test.passed) {
				want[ip] = false
			}
			if !maps.Equal(seen.verdicts, want) {
				t.Errorf("judged %v, want %v (true: refused)", seen.verdicts, want)
			}
		})
	}
	if got := connections.Load(); got != 0 {
		t.Errorf("%d connections reached loopback", got)
	}
}

// The refusal reaches whoever asked, through the client.
func TestHostile03RefusalIsTold(t *testing.T) {
	server, connections := countingServer(t)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	n := New(Options{Resolver: nameServer(t, "127.0.0.1 10.0.0.1")})
	defer n.Close()
	res, err := n.Client().Get("http://rebind.example:" + port + "/")
	if err == nil {
		res.Body.Close()
	}
	if !IsBlocked(err) || connections.Load() != 0 {
		t.Errorf("%v, %d connections", err, connections.Load())
	}
	open := New(Options{AllowPrivate: true, Resolver: nameServer(t, "127.0.0.1")})
	defer open.Close()
	if res, err = open.Client().Get("http://rebind.example:" + port + "/"); err != nil || connections.Load() != 1 {
		t.Fatalf("where it is allowed: %v, %d connections", err, connections.Load())
	}
	res.Body.Close()
}

func TestTLS(t *testing.T) {
	for _, test := range []struct {
		name    string
		version uint16
		trusted bool
		proto   string
	}{
		{"current", 0, true, "HTTP/2.0"},
		{"unknown certificate", 0, false, ""},
		{"TLS 1.1", tls.VersionTLS11, true, ""},
	} {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.EnableHTTP2 = true
		server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: test.version}
		server.StartTLS()
		n := New(Options{AllowPrivate: true})
		if test.trusted {
			n.Transport().TLSClientConfig.RootCAs = x509.NewCertPool()
			n.Transport().TLSClientConfig.RootCAs.AddCert(server.Certificate())
		}
		proto := ""
		if res, err := n.Client().Get(server.URL); err == nil {
			proto = res.Proto
			res.Body.Close()
		}
		if proto != test.proto {
			t.Errorf("%s: spoke %q, want %q", test.name, proto, test.proto)
		}
		n.Close()
		server.Close()
	}
}
