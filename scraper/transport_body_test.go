package scraper

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/regwatch/regwatch/register"
)

func TestSizeLimitIsExact(t *testing.T) {
	s, store := newTestScraper(t)
	const limit = 200_000
	pages := map[string]http.HandlerFunc{}
	for name, size := range map[string]int{"exact": limit, "over": limit + 1} {
		body := bytes.Repeat([]byte("x"), size)
		pages["/length/"+name] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = w.Write(body)
		}
		pages["/chunked/"+name] = func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(body[:10])
			w.(http.Flusher).Flush()
			_, _ = w.Write(body[10:])
		}
		pages["/gzip/"+name] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped(body))
		}
	}
	server := newSite(t, pages)
	for _, way := range []string{"length", "chunked", "gzip"} {
		def := own(server.URL + "/" + way + "/exact")
		def.Fetch.MaxBytes = limit
		fetched := fetchOK(t, s, def, register.Validators{})
		if page := fetched.Pages[0]; page.Bytes != limit || len(store.text(t, page.SHA256)) != limit || page.Framing == register.FramedCut {
			t.Errorf("%s, exactly the limit: %+v", way, page)
		}
		def.Fetch.URLs = []string{server.URL + "/" + way + "/over"}
		fetched, failure := fetchFails(t, s, def, register.ClassTooLarge)
		if !strings.Contains(failure.Hint, "fetch.max_bytes") {
			t.Errorf("hint %q", failure.Hint)
		}
		if len(fetched.Pages) != 1 || fetched.Pages[0].SHA256 != "" {
			t.Errorf("%s, one byte over: %+v", way, fetched.Pages)
		}
	}
	if usage, err := store.Usage(t.Context()); err != nil || usage.Objects != 1 {
		t.Errorf("archive holds %+v, %v; want the one body", usage, err)
	}
}

func zipped(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content)
	w.Close()
	return b.Bytes()
}

func TestFraming(t *testing.T) {
	zip := string(zipped([]byte("name\nA\n")))
	for _, test := range []struct {
		name, response string
		framing        register.Framing
		body           string
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nname\nA\n", register.FramedLength, "name\nA\n"},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", register.FramedLength, ""},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nname\nA\n\r\n0\r\n\r\n", register.FramedChunks, "name\nA\n"},
		{"closed", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nname\nA\n", register.FramedTwice, "name\nA\n"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nname\nA\n", register.FramedTwice, "name\nA\n"},
		{"length not met", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nname\nA\n", register.FramedCut, "name\nA\n"},
		{"last chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nname\nA\n\r\n", register.FramedCut, "name\nA\n"},
		{"chunk cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nname\nA\n", register.FramedCut, "name\nA\n"},
		{"gzip", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(zip), zip), register.FramedLength, "name\nA\n"},
		{"gzip empty", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", register.FramedLength, ""},
		{"gzip cut", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(zip)-6, zip[:len(zip)-6]), register.FramedCut, "name\nA\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, store := newTestScraper(t)
			page := fetchOK(t, s, own(raw(t, test.response)), register.Validators{}).Pages[0]
			if got := store.text(t, page.SHA256); page.Framing != test.framing || got != test.body {
				t.Errorf("framing %q, body %q", page.Framing, got)
			}
			if want := 1; test.framing != register.FramedCut && page.Attempts != want {
				t.Errorf("%d attempts", page.Attempts)
			} else if test.framing == register.FramedCut && page.Attempts != maxAttempts {
				t.Errorf("%d attempts at a body that is cut", page.Attempts)
			}
		})
	}
}

func TestCutBodyIsAskedForAgain(t *testing.T) {
	s, store := newTestScraper(t)
	url := raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nname\nA\n", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nname\nA\n")
	page := fetchOK(t, s, own(url), register.Validators{}).Pages[0]
	if page.Framing != register.FramedLength || page.Attempts != 2 {
		t.Errorf("page %+v", page)
	}
	if usage, _ := store.Usage(t.Context()); usage.Objects != 1 {
		t.Errorf("archive holds %+v", usage)
	}
}

func TestOddContentEncodings(t *testing.T) {
	damaged := zipped(bytes.Repeat([]byte("name\n"), 1000))
	damaged[len(damaged)-6] ^= 0xff // its checksum
	for name, page := range map[string]http.HandlerFunc{
		"brotli":    encoded("br", []byte("x")),
		"deflate":   encoded("deflate", []byte("x")),
		"nested":    encoded("gzip, gzip", zipped(zipped([]byte("x")))),
		"not gzip":  encoded("gzip", []byte("name\nthis is plain text\n")),
		"corrupted": encoded("gzip", damaged),
	} {
		s, _ := newTestScraper(t)
		server := newSite(t, map[string]http.HandlerFunc{"/": page})
		fetched, _ := fetchFails(t, s, own(server.URL+"/"), register.ClassUndecodable)
		if len(fetched.Pages) != 1 || fetched.Pages[0].SHA256 == "" {
			t.Errorf("%s: pages %+v", name, fetched.Pages)
		}
	}
}

func encoded(coding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write(body)
	}
}

func TestGzipBombEndsAtTheLimit(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		bomb := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 1 << 10 {
			if _, err := bomb.Write(zeros); err != nil {
				return
			}
		}
		bomb.Close()
	}})
	def := own(server.URL + "/")
	def.Fetch.MaxBytes = 64 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	fetchFails(t, s, def, register.ClassTooLarge)
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 64<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// Deflate blocks without content let gzip hold endless nothing.
func TestGzipOfEndlessNothing(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		empty := zipped(nil)
		block := []byte(strings.Repeat(string(empty), 1000))
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}})
	def := own(server.URL + "/")
	def.Fetch.MaxBytes = 1000
	fetchFails(t, s, def, register.ClassTooLarge)
}

func TestEndlessBodies(t *testing.T) {
	s, _ := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{
		"/chunks": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"/announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000000000")
			_, _ = w.Write(make([]byte, 1<<10))
		},
		"/error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"/header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Large", strings.Repeat("x", 2<<20))
			_, _ = io.WriteString(w, "x")
		},
	})
	for path, class := range map[string]string{
		"/chunks": register.ClassTooLarge, "/announced": register.ClassTooLarge, "/error": register.ClassStatus, "/header": register.ClassUnreachable,
	} {
		def := own(server.URL + path)
		def.Fetch.MaxBytes = 3 << 20
		fetchFails(t, s, def, class)
	}
}

func TestDripEndsWithTheTimeLimit(t *testing.T) {
	s, store := newTestScraper(t)
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "na")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}})
	def := own(server.URL + "/")
	def.Fetch.Timeout = 100 * time.Millisecond
	fetched, failure := fetchFails(t, s, def, register.ClassTooSlow)
	if !strings.Contains(failure.Hint, "fetch.timeout") {
		t.Errorf("hint %q", failure.Hint)
	}
	if len(fetched.Pages) != 1 || fetched.Pages[0].Framing != register.FramedCut || store.text(t, fetched.Pages[0].SHA256) != "na" {
		t.Errorf("what was received is not kept: %+v", fetched.Pages)
	}
}

func TestStalledConnectionIsGivenUp(t *testing.T) {
	s, _ := newTestScraper(t)
	s.stall = 50 * time.Millisecond
	asked := 0
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "name\n")
		if asked++; asked == 1 {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}})
	page := fetchOK(t, s, own(server.URL+"/"), register.Validators{}).Pages[0]
	if page.Attempts != 2 || page.Framing != register.FramedLength {
		t.Errorf("page %+v", page)
	}
}
