package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// outside is the authority's web site and the receiver.
type outside struct {
	mu        sync.Mutex
	published sync.Cond
	body      string // path; empty: who asks has to wait
	arrived   chan struct{}
	served    chan served
}

// served is a body whose last byte was written.
type served struct {
	path string
	at   time.Time
}

func (o *outside) publish(path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.body = path
	o.published.Broadcast()
}

// sent waits until a body was served.
func (o *outside) sent(ctx context.Context, path string) (time.Time, error) {
	for {
		select {
		case s := <-o.served:
			if s.path == path {
				return s.at, nil
			}
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("nobody fetched %s", path)
		}
	}
}

func (o *outside) drain() {
	for len(o.served) > 0 {
		<-o.served
	}
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/list.csv" {
		http.NotFound(w, r)
		return
	}
	o.mu.Lock()
	for o.body == "" {
		o.published.Wait()
	}
	path := o.body
	o.mu.Unlock()
	file, err := os.Open(path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	info, _ := file.Stat()
	w.Header().Set("Content-Type", "text/csv")
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	if _, err := io.Copy(w, file); err == nil {
		o.served <- served{path, time.Now()}
	}
}

// receive takes webhooks. A receiver is on another machine; this one shares the
// processors with what is measured, and takes little of them: 0.14 s for 2,000 requests
// where net/http's server takes 0.22 to 0.24.
func (o *outside) receive(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = conn.Close() }()
			reader := bufio.NewReader(conn)
			for {
				request, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				if _, err := io.Copy(io.Discard, request.Body); err != nil {
					return
				}
				o.arrived <- struct{}{}
				if _, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
					return
				}
			}
		}()
	}
}
