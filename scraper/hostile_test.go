package scraper

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// Where a fetch may be led: these rows need a public address, which no test
// server has, so that they are tested here and not through a scripted site.

// inside is a server that nobody may reach, and counts who does.
func inside(t *testing.T) (port string, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(server.Close)
	return server.URL[strings.LastIndexByte(server.URL, ':'):], reached
}

func TestHostile01RedirectInside(t *testing.T) {
	port, reached := inside(t)
	for _, host := range []string{"169.254.169.254", "127.0.0.1", "[::1]", "[::ffff:7f00:1]", "100.64.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"} {
		s, _ := newTestScraper(t)
		f := s.newFetching(own("http://public.example/"), register.Validators{}, nil)
		f.transport.net = publicSite{to: "http://" + host + port + "/", beyond: s.guarded.Transport()}
		if err := f.all(t.Context()); register.ClassOf(err) != register.ClassBlockedAddress {
			t.Errorf("redirect to %s: %v", host, err)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests arrived inside", reached.Load())
	}
}

func TestHostile02OddHosts(t *testing.T) {
	port, reached := inside(t)
	for _, odd := range []string{
		"http://2130706433" + port + "/", "http://0x7f000001" + port + "/", "http://0177.0.0.1" + port + "/", "http://127.1" + port + "/",
		"http://１２７.0.0.1" + port + "/", "http://public.example@127.0.0.1" + port + "/", `http:\\127.0.0.1` + port + "/",
		"http://127.0.0.1" + port + "/%00", "http://public.example/\r\nHost: x",
	} {
		s, _ := newTestScraper(t)
		_, failure := fetchFails(t, s, own(odd), register.ClassBlockedAddress)
		if failure.Where != odd {
			t.Errorf("%q does not say where: %v", odd, failure)
		}
		f := s.newFetching(own("http://public.example/"), register.Validators{}, nil)
		f.transport.net = publicSite{to: odd, beyond: s.private.Transport()}
		if err := f.all(t.Context()); register.ClassOf(err) != register.ClassBlockedAddress || !strings.Contains(err.Error(), "it redirects to") {
			t.Errorf("redirect to %s: %v", odd, err)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests arrived inside", reached.Load())
	}
}

// A name may resolve to a public address when it is checked and to a loopback one
// when it is dialed: the address that is dialed is what counts.
func TestHostile03NamesThatResolveInside(t *testing.T) {
	port, reached := inside(t)
	s, _ := newTestScraper(t)
	def := own("http://localhost" + port + "/")
	def.Fetch.AllowPrivate = false
	fetchFails(t, s, def, register.ClassBlockedAddress)
	f := s.newFetching(own("http://public.example/"), register.Validators{}, nil)
	f.transport.net = publicSite{to: "http://localhost" + port + "/", beyond: s.guarded.Transport()}
	if err := f.all(t.Context()); register.ClassOf(err) != register.ClassBlockedAddress {
		t.Errorf("redirect: %v", err)
	}
	if reached.Load() != 0 {
		t.Errorf("%d requests arrived inside", reached.Load())
	}
}

func TestHostile04OtherSchemes(t *testing.T) {
	for _, odd := range []string{"file:///etc/passwd", "gopher://public.example/1", "data:text/csv,name", "ftp://public.example/list.csv", "jar:http://public.example/a!/b"} {
		s, _ := newTestScraper(t)
		fetchFails(t, s, own(odd), register.ClassBlockedAddress)
		f := s.newFetching(own("http://public.example/"), register.Validators{}, nil)
		f.transport.net = publicSite{to: odd, beyond: s.private.Transport()}
		if err := f.all(t.Context()); register.ClassOf(err) != register.ClassBlockedAddress || !strings.Contains(err.Error(), "it redirects to") {
			t.Errorf("redirect to %s: %v", odd, err)
		}
	}
}

func TestHostile12Cookies(t *testing.T) {
	s, _ := newTestScraper(t)
	var brought atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{
		"/": func(w http.ResponseWriter, r *http.Request) {
			for i := range 1000 {
				http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", i), Value: "x"})
			}
			http.Redirect(w, r, "/list", http.StatusFound)
		},
		"/list": func(w http.ResponseWriter, r *http.Request) {
			brought.Store(int64(len(r.Cookies())))
			_, _ = io.WriteString(w, "name\nA\n")
		},
	})
	fetchOK(t, s, own(server.URL+"/"), register.Validators{})
	if n := brought.Load(); n == 0 || n > maxCookies {
		t.Errorf("%d cookies came back", n)
	}
	jar, err := newJar()
	if err != nil {
		t.Fatal(err)
	}
	at := func(host string) *url.URL { return &url.URL{Scheme: "https", Host: host, Path: "/"} }
	jar.SetCookies(at("a.example.com"), []*http.Cookie{
		{Name: "all", Value: "x", Domain: "com"}, {Name: "own", Value: "x"}, {Name: "large", Value: strings.Repeat("x", 1<<20)},
	})
	if everywhere, here := jar.Cookies(at("b.com")), jar.Cookies(at("a.example.com")); len(everywhere) != 0 || len(here) != 1 {
		t.Errorf("cookies %v elsewhere and %v at home", everywhere, here)
	}
}

// dump writes a CSV dump of a size, in rows of about a width.
func dump(size, width int) []byte {
	b := bytes.NewBufferString("name\n")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(b, "entry %d %s\n", i, strings.Repeat("of a register ", width/14))
	}
	return b.Bytes()
}

// readFetched reads what was fetched as a definition says.
func readFetched(t *testing.T, store Archive, def register.Definition, fetched Fetched) (register.Snapshot, register.Proof) {
	t.Helper()
	s, proof, err := mustReader(t, def).Read(t.Context(), fetched.Pages, store.Open, register.Health{})
	if err != nil {
		t.Fatal(err)
	}
	return s, proof
}

// long asks for the real sizes, which take a minute: see .ci/long.
var long = os.Getenv("REGWATCH_LONG") != ""

// 150 MB in the long run.
func TestLargeDumpIsComplete(t *testing.T) {
	megabytes := 30
	if long {
		megabytes = 150
	}
	body := dump(megabytes<<20, 400)
	rows := bytes.Count(body, []byte("\n")) - 1
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body)
	}})
	s, store := newTestScraper(t)
	def := own(server.URL + "/")
	snapshot, proof := readFetched(t, store, def, fetchOK(t, s, def, register.Validators{}))
	if !proof.Complete() || len(snapshot.Entries) != rows {
		t.Errorf("%d entries of %d, %s", len(snapshot.Entries), rows, verdict(proof))
	}
}

// A dump that is cut anywhere is never complete, however it is sent: 5 MB in the
// long run, and each way at each place.
func TestCutDumpIsNeverComplete(t *testing.T) {
	const cuts, seed = 200, 4
	megabytes := 1
	if long {
		megabytes = 5
	}
	body := dump(megabytes<<20, 1000)
	var squeezed bytes.Buffer
	zip := gzip.NewWriter(&squeezed)
	_, _ = zip.Write(body)
	_ = zip.Close()
	var way string
	var at int
	var asked atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		sendCut(w, way, body, squeezed.Bytes(), at, asked.Add(1))
	}})
	store := &memoryArchive{bodies: map[string][]byte{}}
	s, _ := newTestScraper(t, func(o *Options) { o.Archive = store })
	def := own(server.URL + "/")
	ways := []string{"length", "chunked", "gzip with length", "gzip chunked", "closed", "closed at another place each time"}
	random := rand.New(rand.NewPCG(seed, seed))
	for i := range cuts {
		for _, way = range ways {
			if !long && ways[i%len(ways)] != way {
				continue
			}
			size := len(body)
			if strings.HasPrefix(way, "gzip") {
				size = squeezed.Len()
			}
			at = random.IntN(size)
			if way == "closed" && at > 0 && body[at-1] == '\n' {
				at-- // between two rows, and the same bytes each time: nothing in the world shows that
			}
			fetched, err := s.Fetch(t.Context(), def, register.Validators{}, nil)
			if err != nil {
				continue
			}
			if _, proof := readFetched(t, store, def, fetched); proof.Complete() {
				t.Errorf("seed %d: cut at byte %d of %d, %s: %s", seed, at, size, way, verdict(proof))
			}
		}
	}
}

// memoryArchive keeps bodies in memory: hundreds of dumps are too much to sync.
type memoryArchive struct{ bodies map[string][]byte }

func (a *memoryArchive) Create(context.Context) (Body, error) {
	return &memoryBody{archive: a}, nil
}

func (a *memoryArchive) Open(sha256 string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(a.bodies[sha256])), nil
}

type memoryBody struct {
	bytes.Buffer
	archive *memoryArchive
}

func (b *memoryBody) Commit() (string, int64, error) {
	clear(b.archive.bodies) // one at a time
	sum := fmt.Sprintf("%x", sha256.Sum256(b.Bytes()))
	b.archive.bodies[sum] = b.Bytes()
	return sum, int64(b.Len()), nil
}

func (b *memoryBody) Abort() {}

// sendCut sends a body and ends the connection before its end.
func sendCut(w http.ResponseWriter, way string, body, squeezed []byte, at int, request int64) {
	if gzipped := strings.HasPrefix(way, "gzip"); gzipped {
		w.Header().Set("Content-Encoding", "gzip")
		body = squeezed
	}
	switch {
	case strings.HasPrefix(way, "closed"):
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		if way != "closed" {
			at = max(1, at-int(request%7))
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/csv\r\n\r\n")
		_, _ = conn.Write(body[:at])
		return
	case !strings.Contains(way, "chunked"):
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	_, _ = w.Write(body[:at])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
