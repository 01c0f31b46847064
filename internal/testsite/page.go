package testsite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// File publishes a file as a well-kept server does: with its type, its length,
// an ETag and, where modified is not zero, a Last-Modified, answering
// conditional requests with 304.
func File(contentType string, body []byte, modified time.Time) http.Handler {
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("ETag", etag)
		http.ServeContent(w, r, "", modified, bytes.NewReader(body))
	})
}

// Plain publishes a body with its length and no validators.
func Plain(contentType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a client that went away is none of our business
	})
}

// Status answers with a status and a body.
func Status(code int, contentType string, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = w.Write(body)
	})
}

// Cut announces the whole body and breaks the connection after n bytes of it.
func Cut(contentType string, body []byte, n int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:n])
		panic(http.ErrAbortHandler)
	})
}

// Slow sends a body in pieces with a pause before each, until the client leaves.
func Slow(contentType string, body []byte, piece int, pause time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		for start := 0; start < len(body); start += piece {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(pause):
			}
			_, _ = w.Write(body[start:min(start+piece, len(body))])
			_ = http.NewResponseController(w).Flush()
		}
	})
}

// Endless sends the given piece again and again until the client leaves.
func Endless(contentType string, piece []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for r.Context().Err() == nil {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
}
