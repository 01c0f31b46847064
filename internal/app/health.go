package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/regwatch/regwatch/internal/config"
)

const (
	askTimeout     = 5 * time.Second
	maxAnswerBytes = 64 << 10
)

// Healthy asks the running service whether it is well: nil if it says so. A
// configuration that was broken since the service started does not count: the
// service keeps the old one, and whoever restarts what is not well would end it.
func Healthy(ctx context.Context, options Options) error {
	cfg, broken := config.Load(configFile(options), lookupEnv(options))
	if _, ok := errors.AsType[config.Errors](broken); broken != nil && !ok {
		return broken
	}
	status, answer, err := ask(ctx, cfg.HTTP.Listen, "/healthz")
	if err != nil && broken != nil {
		return broken
	}
	if err != nil {
		return fmt.Errorf("no service answers at %s: %w; is `regwatch run` up, with the role serve and the same http.listen?", cfg.HTTP.Listen, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("the service at %s is not well: %s", cfg.HTTP.Listen, answer)
	}
	return nil
}

// ask sends a question to the service at its own listening address, which is
// loopback or the operator's, and so not asked through the guarded client.
func ask(ctx context.Context, listen, path string) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(listen)+path, nil)
	if err != nil {
		return 0, "", err
	}
	transport := &http.Transport{Proxy: nil}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	return response.StatusCode, strings.TrimSpace(string(body)), err
}

// reachable gives the address at which a listener can be asked from here: one
// that listens everywhere answers on loopback.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
