package bus

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testLog shows what the bus logs beside the test that made it do so.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// openBus opens a bus and closes it at the end of the test.
func openBus(t *testing.T, options Options) *Bus {
	t.Helper()
	if options.Dir == "" && options.URL == "" {
		options.Dir = t.TempDir()
	}
	options.Logger = testLog(t)
	b, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeBus(t, b) })
	return b
}

// closeBus may be called twice.
func closeBus(t *testing.T, b *Bus) {
	t.Helper()
	if b.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
}

// within fails the test when the condition does not come true in time; it looks
// whenever it is woken, and often enough otherwise.
func within(t *testing.T, d time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(d)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", d, what)
		case <-tick.C:
		}
	}
}

func TestOptionsAreRefusedWithWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name    string
		options Options
		want    string
	}{
		{"no directory", Options{}, "needs a directory"},
		{"both places", Options{URL: "nats://127.0.0.1:1", Listen: "127.0.0.1:0", Token: "t"}, "exclude each other"},
		{"no token", Options{Dir: dir, Listen: "127.0.0.1:0"}, "need a nats.token"},
		{"all interfaces", Options{Dir: dir, Listen: "0.0.0.0:4222", Token: "t"}, "loopback alone"},
		{"no host", Options{Dir: dir, Listen: ":4222", Token: "t"}, "loopback alone"},
		{"a name", Options{Dir: dir, Listen: "example.org:4222", Token: "t"}, "loopback alone"},
		{"no port", Options{Dir: dir, Listen: "127.0.0.1", Token: "t"}, "want host:port"},
		{"bad port", Options{Dir: dir, Listen: "127.0.0.1:nats", Token: "t"}, "not a number"},
		{"two credentials", Options{URL: "nats://127.0.0.1:1", Token: "t", User: "u"}, "give one of"},
		{"password alone", Options{URL: "nats://127.0.0.1:1", Password: "p"}, "no nats.user"},
		{"user inside", Options{Dir: dir, User: "u", Password: "p"}, "go with nats.url"},
		{"no URL", Options{URL: "127.0.0.1"}, "want nats://host:port"},
		{"missing file", Options{URL: "nats://127.0.0.1:1", CredentialsFile: dir + "/none"}, "nats.credentials"},
		{"small limits", Options{Dir: dir, Changes: Limits{MaxBytes: 1}}, "at least 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Open(t.Context(), c.options)
			if err == nil {
				closeBus(t, b)
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want it to contain %q", err, c.want)
			}
		})
	}
}

func TestErrorsNameNoSecret(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, Options{URL: "nats://someone:hush@127.0.0.1:1"})
	if err == nil || strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("error %v, want one that names the server without the password", err)
	}
}

func TestEmbeddedServerDoesNotListenUnlessAsked(t *testing.T) {
	b := openBus(t, Options{})
	if b.URL() != "" || b.server.running.Addr() != nil {
		t.Errorf("listens at %q, %v", b.URL(), b.server.running.Addr())
	}
}

func TestListeningServerWantsTheToken(t *testing.T) {
	b := openBus(t, Options{Listen: "127.0.0.1:0", Token: "s3cret"})
	for _, token := range []string{"", "wrong"} {
		if conn, err := nats.Connect(b.URL(), nats.Token(token)); err == nil {
			conn.Close()
			t.Errorf("token %q was let in", token)
		}
	}
	conn, err := nats.Connect(b.URL(), nats.Token("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestTakenPortIsNamed(t *testing.T) {
	first := openBus(t, Options{Listen: "127.0.0.1:0", Token: "t"})
	address := strings.TrimPrefix(first.URL(), "nats://")
	_, err := Open(t.Context(), Options{Dir: t.TempDir(), Listen: address, Token: "t"})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v, want one that says that the address is in use", err)
	}
}

func TestOpenTwiceKeepsWhatAnOperatorAdded(t *testing.T) {
	dir := t.TempDir()
	b := openBus(t, Options{Dir: dir})
	info, err := b.info(t.Context(), StreamChanges)
	if err != nil {
		t.Fatal(err)
	}
	config := info.Config
	config.Metadata = map[string]string{"owner": "ops"}
	if _, err := b.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	closeBus(t, b)

	b = openBus(t, Options{Dir: dir, Changes: Limits{MaxBytes: 2 << 20}})
	if info, err = b.info(t.Context(), StreamChanges); err != nil {
		t.Fatal(err)
	}
	if info.Config.Metadata["owner"] != "ops" || info.Config.MaxBytes != 2<<20 || info.Config.MaxAge != DefaultChanges.MaxAge {
		t.Errorf("stream is now %+v", info.Config)
	}
}

func TestExternalServer(t *testing.T) {
	outside := openBus(t, Options{Listen: "127.0.0.1:0", Token: "t"})
	b := openBus(t, Options{URL: outside.URL(), Token: "t"})
	if b.URL() != outside.URL() {
		t.Errorf("URL %q, want %q", b.URL(), outside.URL())
	}
	if err := b.Health(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := Open(t.Context(), Options{URL: outside.URL(), Token: "wrong"}); err == nil || !strings.Contains(err.Error(), "Authorization") {
		t.Errorf("error %v, want that authorization failed, at once", err)
	}
}

func testLogTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
