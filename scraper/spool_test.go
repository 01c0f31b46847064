package scraper

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regwatch/regwatch/register"
)

// bodyOf is a body of some megabytes whose n-th differ by what is given.
func bodyOf(megabytes ...string) []byte {
	var b bytes.Buffer
	b.WriteString("name\n")
	for _, content := range megabytes {
		b.WriteString(strings.Repeat(fmt.Sprintf("%-63.60s\n", content), 1<<20/64))
	}
	return b.Bytes()
}

func megabytes(n int) []string { return make([]string, n) }

// seenBodies is what a fetch told of the bodies that arrived.
type seenBodies struct {
	pages  []register.Page
	bodies []Arriving
}

func (w *seenBodies) watch(page register.Page, body Arriving) {
	w.pages, w.bodies = append(w.pages, page), append(w.bodies, body)
}

// TestWatchTellsOfAnotherBody fetches a body, and another one after it: of that the
// watch is told as soon as it is known to be another one.
func TestWatchTellsOfAnotherBody(t *testing.T) {
	ten := megabytes(10)
	last := func(n int) []string { return append(megabytes(n-1), "another") }
	for _, test := range []struct {
		name   string
		before []string
		now    []string
		told   int64 // megabytes that had arrived; 0: it is not told
	}{
		{"the same", ten, ten, 0},
		{"small", ten, megabytes(3), 0},
		{"another beginning", ten, append([]string{"another"}, megabytes(9)...), 4},
		{"another fifth megabyte", ten, append(last(5), megabytes(5)...), 8},
		{"longer by what no beginning shows", ten, megabytes(12), 0},
		{"longer by a beginning", megabytes(7), ten, 8},
		{"nothing is known of the last one", nil, ten, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := bodyOf(test.before...)
			s, _ := newTestScraper(t)
			server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }})
			def := own(server.URL + "/")
			first := fetchOK(t, s, def, register.Validators{})
			first.Close()
			body = bodyOf(test.now...)
			var told seenBodies
			second, err := s.Fetch(t.Context(), def, first.Validators, told.watch)
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			if len(told.pages) == 0 || test.told == 0 {
				if len(told.pages) > 0 || test.told > 0 {
					t.Fatalf("it was told of %v, want %d MB", told.pages, test.told)
				}
				return
			}
			if page := told.pages[0]; page.Bytes != test.told<<20 || page.URL != server.URL+"/" || page.ResponseHeader.Get("Content-Type") == "" || len(told.pages) > 1 {
				t.Errorf("it was told of %+v, want once of %d MB", told.pages, test.told)
			}
			if told.bodies[0] != second.Body {
				t.Error("the body is another one")
			}
			if size, all, err := told.bodies[0].Have(1 << 40); size != int64(len(body)) || !all || err != nil {
				t.Errorf("in the end it has %d bytes, all: %v, error %v", size, all, err)
			}
		})
	}
}

// TestArrivingIsReadBeforeItsEnd reads what has arrived of a body of which the rest is
// sent only then.
func TestArrivingIsReadBeforeItsEnd(t *testing.T) {
	body := bodyOf(megabytes(9)...)
	goOn := make(chan struct{})
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(body[:5<<20])
		_ = http.NewResponseController(w).Flush()
		<-goOn
		_, _ = w.Write(body[5<<20:])
	}})
	s, _ := newTestScraper(t)
	read := make(chan error, 1)
	watch := func(_ register.Page, arriving Arriving) {
		go func() {
			read <- func() error {
				size, all, err := arriving.Have(4 << 20)
				if size < 4<<20 || all || err != nil {
					return fmt.Errorf("%d bytes have arrived, all: %v, error %w", size, all, err)
				}
				close(goOn)
				got, err := io.ReadAll(io.NewSectionReader(arriving, 0, size))
				if err != nil || !bytes.Equal(got, body[:size]) {
					return fmt.Errorf("%d of its bytes are others, error %w", len(got), err)
				}
				if size, all, err = arriving.Have(int64(len(body)) + 1); size != int64(len(body)) || !all || err != nil {
					return fmt.Errorf("in the end %d bytes have arrived, all: %v, error %w", size, all, err)
				}
				return nil
			}()
		}()
	}
	fetched, err := s.Fetch(t.Context(), own(server.URL+"/"), register.Validators{}, watch)
	if err != nil {
		t.Fatal(err)
	}
	defer fetched.Close()
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// TestArrivingIsBroken cuts a body, and its repetition not: who waits for the end of
// the first is told that it did not come.
func TestArrivingIsBroken(t *testing.T) {
	body := bodyOf(megabytes(9)...)
	var asked atomic.Int64
	server := newSite(t, map[string]http.HandlerFunc{"/": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if asked.Add(1) == 1 {
			_, _ = w.Write(body[:6<<20])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(body)
	}})
	server.Config.ErrorLog = silentLog()
	s, _ := newTestScraper(t)
	var told seenBodies
	fetched, err := s.Fetch(t.Context(), own(server.URL+"/"), register.Validators{}, told.watch)
	if err != nil {
		t.Fatal(err)
	}
	defer fetched.Close()
	if len(told.bodies) != 2 || fetched.Body != told.bodies[1] {
		t.Fatalf("it was told of %d bodies, want 2, the second of which is fetched", len(told.bodies))
	}
	if size, all, err := told.bodies[0].Have(1 << 40); err == nil {
		t.Errorf("the cut one is whole: %d bytes, all: %v", size, all)
	}
	if n, err := told.bodies[0].ReadAt(make([]byte, 10), 0); err == nil {
		t.Errorf("%d bytes can be read of the cut one, whose file is gone", n)
	}
}

// TestCloseEndsTheWait closes a body of which nobody has said that it ended, as after a
// panic.
func TestCloseEndsTheWait(t *testing.T) {
	s := newSpool(t.TempDir(), nil, nil)
	s.write(bodyOf(megabytes(5)...))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if size, all, err := s.Have(6 << 20); err == nil {
		t.Errorf("%d bytes, all: %v, and no error", size, all)
	}
}

// TestHashRowsOfTooMany gives up a page that has very many more rows than the last one.
func TestHashRowsOfTooMany(t *testing.T) {
	def := own("http://register.example/")
	reader, errs := NewReader(def)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	reader.large, reader.chunk = 0, 4<<10
	known := indexOf(t, reader, []byte("name\na\nb\n"))
	for rows, fits := range map[int]bool{fewRows / 2: true, 2 * fewRows: false} { // what each worker has in hand is not counted yet
		page := []byte("name\n" + strings.Repeat("a\n", rows))
		hashed, err := reader.HashRows(t.Context(), savedOf(page).Page, whole{bytes.NewReader(page), int64(len(page))}, register.Health{Entries: 2}, known)
		hashed.Close()
		if fits != (err == nil) {
			t.Errorf("%d rows: %v", rows, err)
		}
	}
}
