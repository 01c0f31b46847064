package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a server whose broker is ill when told so.
func start(t *testing.T, ill *bool) string {
	t.Helper()
	health := telemetry.NewHealth()
	health.Add("broker", func(context.Context) error {
		if *ill {
			return errors.New("disk is full")
		}
		return nil
	})
	s, err := New(Options{Listen: "127.0.0.1:0", Health: health, Metrics: telemetry.NewMetrics(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Address()
}

func TestAnswers(t *testing.T) {
	ill := false
	base := start(t, &ill)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, test := range []struct {
		method, path string
		ill          bool
		status       int
		contains     string
	}{
		{"GET", "/healthz", true, 200, "ok"},
		{"GET", "/readyz", false, 200, "ready"},
		{"GET", "/readyz", true, 503, "broker: disk is full"},
		{"GET", "/metrics", false, 200, "go_goroutines"},
		{"GET", "/api/v1/registers", false, 404, "about:blank"},
		{"POST", "/healthz", false, 405, "only GET"},
		{"HEAD", "/healthz", false, 200, ""},
	} {
		ill = test.ill
		request, err := http.NewRequestWithContext(t.Context(), test.method, base+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != test.status || !strings.Contains(string(body), test.contains) {
			t.Errorf("%s %s: %d %q, %v", test.method, test.path, answer.StatusCode, body, err)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: no security headers", test.method, test.path)
		}
	}
}

func TestOtherAddressesNeedInsecure(t *testing.T) {
	o := Options{Health: telemetry.NewHealth(), Metrics: telemetry.NewMetrics(), Log: slog.New(slog.DiscardHandler)}
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "nonsense"} {
		o.Listen = address
		if _, err := New(o); err == nil {
			t.Errorf("%s is listened on", address)
		}
	}
	o.Listen, o.Insecure = "0.0.0.0:0", true
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.listener.Close()
}
