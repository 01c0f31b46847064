package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/regwatch/regwatch/notifier/channel/webhook"
	"github.com/regwatch/regwatch/register"
)

// receiver is somebody else's webhook endpoint: it verifies the signature of
// what it gets and keeps the changes.
type receiver struct {
	secret   string
	listener net.Listener
	server   *http.Server
	done     chan struct{}

	mu       sync.Mutex
	arrivals []arrival
	rejected int
}

// arrival is a change whose signature was verified.
type arrival struct {
	change register.Change
	at     time.Time
}

func startReceiver(secret string) (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start webhook receiver: %w", err)
	}
	r := &receiver{secret: secret, listener: listener, done: make(chan struct{})}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(r.done)
		_ = r.server.Serve(listener) // ends with ErrServerClosed
	}()
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.listener.Addr().String() + "/hook" }

func (r *receiver) close() {
	_ = r.server.Close() // it only listens on loopback; nothing is lost
	<-r.done
}

// ServeHTTP takes one webhook.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	if err == nil {
		err = webhook.Verify(r.secret, request.Header, body, time.Now())
	}
	var change register.Change
	event := register.Event{Data: &change}
	if err == nil {
		err = json.Unmarshal(body, &event)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.rejected++
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.arrivals = append(r.arrivals, arrival{change, time.Now()})
}

// got gives what was verified and kept, and how many were refused.
func (r *receiver) got() (arrivals []arrival, rejected int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrivals), r.rejected
}

// since gives what was verified after an instant.
func (r *receiver) since(t time.Time) []arrival {
	arrivals, _ := r.got()
	return slices.DeleteFunc(arrivals, func(a arrival) bool { return a.at.Before(t) })
}
