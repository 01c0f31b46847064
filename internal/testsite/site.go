package testsite

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Site is a web site on a loopback port that the system gave. Paths that were
// never published answer 404.
type Site struct {
	listener net.Listener
	scheme   string
	server   *http.Server

	certificate *x509.Certificate
	done        chan struct{}

	mu       sync.Mutex
	pages    map[string]http.Handler
	requests map[string]int
}

// Start begins to serve.
func Start() (*Site, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start test site: %w", err)
	}
	s := newSite(listener, "http")
	s.start()
	return s, nil
}

func newSite(listener net.Listener, scheme string) *Site {
	s := &Site{listener: listener, scheme: scheme, done: make(chan struct{}), pages: map[string]http.Handler{}, requests: map[string]int{}}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	return s
}

func (s *Site) start() {
	go func() {
		defer close(s.done)
		_ = s.server.Serve(s.listener) // ends with ErrServerClosed when the site is closed
	}()
}

// Close ends the site, open connections too.
func (s *Site) Close() error {
	err := s.server.Close()
	<-s.done
	return err
}

// Shutdown ends the site once open requests are answered.
func (s *Site) Shutdown(ctx context.Context) error {
	err := s.server.Shutdown(ctx)
	<-s.done
	return err
}

// URL is the absolute address of a path.
func (s *Site) URL(path string) string { return s.scheme + "://" + s.listener.Addr().String() + path }

// Publish puts what answers at a path in place of what was there. A path with a
// query answers that query alone, before the path without one.
func (s *Site) Publish(path string, page http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = page
}

// Requests counts how often a path was asked for.
func (s *Site) Requests(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[path]
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests[r.URL.Path]++
	page, ok := s.pages[r.URL.RequestURI()]
	if !ok {
		page, ok = s.pages[r.URL.Path]
	}
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	page.ServeHTTP(w, r)
}
