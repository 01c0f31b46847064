package deploy

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/internal/bus"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The server of the compose file, run with its own configuration file, is
// healthy by its own health check and serves the bus.
func TestBrokerService(t *testing.T) {
	s := service(t, "nats")
	t.Setenv("NATS_TOKEN", *s.Environment["NATS_TOKEN"])
	options, err := server.ProcessConfigFile(filepath.Join(root(t), "deploy", filepath.Base(s.Command[1])))
	if err != nil {
		t.Fatal(err)
	}
	if !options.JetStream || !options.SyncAlways || options.Authorization != testToken || options.MaxPayload != 8<<20 {
		t.Errorf("options %+v", options)
	}
	if !mounted(s, options.StoreDir, "volume") || options.Port != 4222 {
		t.Errorf("stores in %s, listens on port %d", options.StoreDir, options.Port)
	}
	check, err := url.Parse(s.HealthCheck.Test[len(s.HealthCheck.Test)-1])
	if err != nil || check.Host != "127.0.0.1:8222" || options.HTTPPort != 8222 || options.HTTPHost != "127.0.0.1" {
		t.Errorf("health is asked at %v (%v) and answered at %s:%d", check, err, options.HTTPHost, options.HTTPPort)
	}

	options.StoreDir, options.NoSigs = t.TempDir(), true
	options.Host, options.Port, options.HTTPPort = "127.0.0.1", server.RANDOM_PORT, server.RANDOM_PORT
	broker, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	broker.Start()
	defer broker.WaitForShutdown()
	defer broker.Shutdown()
	if !broker.ReadyForConnections(10 * time.Second) {
		t.Fatal("does not start")
	}
	check.Host = broker.MonitorAddr().String()
	healthy(t, check.String())

	b, err := bus.Open(t.Context(), bus.Options{URL: broker.ClientURL(), Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Health(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func healthy(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"ok"`) {
		t.Errorf("%s: %d %s, %v", url, answer.StatusCode, body, err)
	}
}

// The image is the release that the tests run in process.
func TestBrokerIsTheOneThatIsTested(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`nats-server/v2 v([0-9.]+)`).FindSubmatch(module)
	if version == nil || service(t, "nats").Image != "nats:"+string(version[1])+"-alpine" {
		t.Errorf("image %s, go.mod has %s", service(t, "nats").Image, version)
	}
}
