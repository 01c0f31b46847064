package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/regwatch/regwatch/internal/telemetry"
)

// Options of a [Server].
type Options struct {
	Listen   string // host:port
	Insecure bool   // Listen may be other than loopback
	Health   *telemetry.Health
	Metrics  *telemetry.Metrics
	Log      *slog.Logger
}

// Server answers HTTP.
type Server struct {
	listener net.Listener
	server   *http.Server
	log      *slog.Logger
}

// Bounds of a request and its answer.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = 30 * time.Second
	maxHeaderBytes  = 32 << 10
	shutdownTimeout = 5 * time.Second
	readyTimeout    = 5 * time.Second
)

// New begins to listen, so that a port that is taken is an error at once.
func New(o Options) (*Server, error) {
	if err := checkListen(o.Listen, o.Insecure); err != nil {
		return nil, err
	}
	if !isLoopback(o.Listen) {
		o.Log.Warn("http.insecure: whoever reaches this address can read health and metrics", "listen", o.Listen)
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w (choose another address under http.listen)", err)
	}
	return &Server{listener: listener, log: o.Log, server: &http.Server{
		Handler: handler(o), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: requestTimeout, MaxHeaderBytes: maxHeaderBytes,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}}, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run answers until ctx ends, then lets open requests finish for some seconds.
func (s *Server) Run(ctx context.Context) error {
	var failed error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		failed = s.server.Serve(s.listener)
	}()
	select {
	case <-ended:
		return fmt.Errorf("serve HTTP: %w", failed)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := s.server.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	<-ended
	return err
}

func handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := o.Health.Ready(ctx); err != nil {
			problem(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		text(w, "ready\n")
	})
	mux.Handle("GET /metrics", o.Metrics.Handler())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem(w, http.StatusMethodNotAllowed, "only GET and HEAD are answered")
			return
		}
		problem(w, http.StatusNotFound, "there are /healthz, /readyz and /metrics")
	})
	return secured(mux)
}

// secured sets the headers that keep a browser from making more of an answer
// than it is.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func text(w http.ResponseWriter, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(s)) // a client that went away needs no answer
}

// problem answers in the form of RFC 9457.
func problem(w http.ResponseWriter, status int, detail string) {
	body, err := json.Marshal(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail})
	if err != nil {
		body = nil // plain values always encode
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// checkListen refuses an address that others can reach unless the operator
// insists.
func checkListen(address string, insecure bool) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("http.listen %q: want host:port, for example 127.0.0.1:8080", address)
	}
	if insecure || isLoopback(address) {
		return nil
	}
	return fmt.Errorf("http.listen %s can be reached from other machines, and nothing asks for a password: listen on 127.0.0.1, or set `http.insecure: true` if something else guards it", address)
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
