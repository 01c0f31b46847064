package testsite

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// handler answers as the response says. Each page counts its own requests.
func (r Response) handler(s *Site) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		number, now := requests.Add(1), r
		if now.Then != nil && number > int64(now.After) {
			now = *now.Then
		}
		a := answer{Response: now, w: w, req: req, number: number, site: s.URL("")}
		a.give()
	})
}

// answer is one response under way.
type answer struct {
	Response
	w      http.ResponseWriter
	req    *http.Request
	number int64
	site   string
}

func (a *answer) give() {
	switch {
	case a.Raw != "" || a.Headers || a.Fat > 0 || a.Framing == "close" || a.Reset:
		a.byHand()
		return
	case a.Tag != "" && a.req.Header.Get("If-None-Match") == a.Tag:
		a.w.WriteHeader(http.StatusNotModified)
		return
	}
	header := a.w.Header()
	for name, values := range a.header() {
		header[name] = values
	}
	body := a.body()
	for range a.Interim {
		a.w.WriteHeader(http.StatusEarlyHints)
	}
	if a.Framing != "chunked" && !a.Endless && (a.Coding == "" || a.Zeros == 0) {
		wire := a.wire(body)
		header.Set("Content-Length", strconv.FormatInt(int64(len(wire))+a.Zeros, 10))
		if a.Coding != "" {
			header.Set("Content-Length", strconv.Itoa(len(wire)))
		}
	}
	a.w.WriteHeader(a.status())
	out := &breaking{w: a.w, left: a.Cut, cut: a.Cut > 0, flush: http.NewResponseController(a.w).Flush}
	a.send(out, body)
	if a.Cut > 0 {
		_ = out.flush()
		panic(http.ErrAbortHandler)
	}
}

func (a *answer) status() int {
	if a.Status == 0 {
		return http.StatusOK
	}
	return a.Status
}

// header is the response's own, with what it is filled in with.
func (a *answer) header() http.Header {
	header := http.Header{}
	for name, values := range a.Header {
		for _, value := range values {
			header.Add(name, string(a.fill([]byte(value))))
		}
	}
	if a.Tag != "" {
		header.Set("ETag", a.Tag)
	}
	if a.Coding != "" {
		header.Set("Content-Encoding", a.Coding)
	}
	for i := range a.Cookies {
		header.Add("Set-Cookie", "c"+strconv.Itoa(i)+"=x")
	}
	return header
}

// fill puts what changes with each request into a text.
func (a *answer) fill(text []byte) []byte {
	if !bytes.Contains(text, []byte("{{")) {
		return text
	}
	return []byte(strings.NewReplacer("{{request}}", strconv.FormatInt(a.number, 10), "{{site}}", a.site).Replace(string(text)))
}

func (a *answer) body() []byte {
	body := a.fill(a.Body)
	if !a.Shuffle {
		return body
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(body), "\n"), "\n")
	rest := lines[1:]
	rest[len(rest)-1] += "\n"
	random := rand.New(rand.NewPCG(1, uint64(a.number)))
	random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	return []byte(strings.Join(lines, ""))
}

// wire is a body as it is sent.
func (a *answer) wire(body []byte) []byte {
	if a.Coding == "" {
		return body
	}
	var b bytes.Buffer
	zip := a.compressor(&b)
	_, _ = zip.Write(body) // to memory
	_ = zip.Close()
	return b.Bytes()
}

// compressor: what HTTP calls deflate is zlib's format (RFC 9110, 8.4.1.2).
func (a *answer) compressor(w io.Writer) io.WriteCloser {
	if a.Coding == "deflate" {
		return zlib.NewWriter(w)
	}
	return gzip.NewWriter(w)
}

// send writes the body in the way the response says, until its end or the
// client's.
func (a *answer) send(w io.Writer, body []byte) {
	if a.Coding != "" && a.Zeros > 0 {
		zip := a.compressor(w)
		if _, err := zip.Write(body); err == nil && zeros(zip, a.Zeros) == nil {
			_ = zip.Close()
		}
		return
	}
	body = a.wire(body)
	for a.Endless && a.req.Context().Err() == nil {
		if a.dripped(w, body) != nil {
			return
		}
	}
	if a.dripped(w, body) == nil {
		_ = zeros(w, a.Zeros)
	}
}

// dripped writes in pieces, each after a pause.
func (a *answer) dripped(w io.Writer, body []byte) error {
	piece := len(body)
	if a.Piece > 0 {
		piece = a.Piece
	}
	for len(body) > 0 {
		if a.Pause > 0 {
			select {
			case <-a.req.Context().Done():
				return a.req.Context().Err()
			case <-time.After(a.Pause):
			}
		}
		n := min(piece, len(body))
		if _, err := w.Write(body[:n]); err != nil {
			return err
		}
		if f, ok := w.(*breaking); ok && a.Piece > 0 {
			_ = f.flush()
		}
		body = body[n:]
	}
	return nil
}

func zeros(w io.Writer, n int64) error {
	block := make([]byte, 64<<10)
	for ; n > 0; n -= int64(len(block)) {
		if _, err := w.Write(block[:min(n, int64(len(block)))]); err != nil {
			return err
		}
	}
	return nil
}

// breaking lets so many bytes pass.
type breaking struct {
	w     io.Writer
	cut   bool
	left  int64
	flush func() error
}

// Write implements io.Writer.
func (b *breaking) Write(p []byte) (int, error) {
	if !b.cut {
		return b.w.Write(p)
	}
	n, err := b.w.Write(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

// byHand writes an answer that no server library would.
func (a *answer) byHand() {
	conn, _, err := http.NewResponseController(a.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = conn.Close() }()
	if a.Raw != "" {
		_, _ = conn.Write(a.fill([]byte(a.Raw)))
		return
	}
	head := "HTTP/1.1 " + strconv.Itoa(a.status()) + " " + http.StatusText(a.status()) + "\r\nConnection: close\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		return
	}
	switch {
	case a.Headers:
		for i := 0; err == nil; i++ {
			_, err = io.WriteString(conn, "X-Header-"+strconv.Itoa(i)+": "+strings.Repeat("x", 1000)+"\r\n")
		}
		return
	case a.Fat > 0:
		if _, err := io.WriteString(conn, "X-Fat: "); err != nil || zeros(conn, a.Fat) != nil {
			return
		}
	}
	a.rest(conn)
}

// rest writes header and body of an answer that ends with its connection.
func (a *answer) rest(conn net.Conn) {
	header := a.header()
	body := a.body()
	if a.Framing != "close" && !a.Endless {
		header.Set("Content-Length", strconv.Itoa(len(a.wire(body))))
	}
	if header.Write(conn) != nil {
		return
	}
	if _, err := io.WriteString(conn, "\r\n"); err != nil {
		return
	}
	a.send(&breaking{w: conn, cut: a.Cut > 0, left: a.Cut, flush: func() error { return nil }}, body)
	if tcp, ok := conn.(*net.TCPConn); ok && a.Reset {
		_ = tcp.SetLinger(0) // closing sends a reset
	}
}
