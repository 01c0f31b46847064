package scraper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/regwatch/regwatch/internal/safenet"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// Archive keeps the exact bytes of pages.
type Archive interface {
	// Create begins a body; ctx is not asked after it returns.
	Create(ctx context.Context) (Body, error)
	// Open reads a body by its SHA-256 in hexadecimal. Where there is none, the
	// error is fs.ErrNotExist.
	Open(sha256 string) (io.ReadCloser, error)
}

// Body is a body on its way into the archive. Exactly one of Commit and Abort
// is called, once.
type Body interface {
	io.Writer
	// Commit makes the body durable. Equal bodies are one.
	Commit() (sha256 string, size int64, err error)
	Abort()
}

// Options of a [Scraper].
type Options struct {
	Archive    Archive
	Net        *safenet.Net // for public addresses; nil: a new one
	PrivateNet *safenet.Net // for definitions with allow_private; nil: a new one
	Contact    string       // of the operator, for the User-Agent; may be empty
	Version    string       // of regwatch, for the User-Agent
	SpoolDir   string       // for large bodies while a fetch is under way; empty: the system's
	Logger     *slog.Logger
	Now        func() time.Time

	// HostRate is how many requests per second one host gets from all fetches
	// together. Default: 1, after a burst of 3.
	HostRate float64
	// RetryBase is the middle of the first wait before a retry; it doubles each
	// time. Default: 1s.
	RetryBase time.Duration
}

// Scraper fetches registers. It is safe for concurrent use; all fetches share
// its limiters, its robots.txt cache and its connections.
type Scraper struct {
	archive   Archive
	guarded   *safenet.Net
	private   *safenet.Net
	userAgent string
	logger    *slog.Logger
	now       func() time.Time
	limits    *hostLimits
	robots    *robotsCache
	retry     retryPolicy
	stall     time.Duration
	spoolDir  string

	linksMemory uint64 // that a page in which links are searched may take, in bytes
}

// New gives a scraper; Archive is required.
func New(o Options) *Scraper {
	if o.Net == nil {
		o.Net = safenet.New(safenet.Options{})
	}
	if o.PrivateNet == nil {
		o.PrivateNet = safenet.New(safenet.Options{AllowPrivate: true})
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Scraper{
		archive: o.Archive, guarded: o.Net, private: o.PrivateNet,
		userAgent: userAgent(o.Version, o.Contact), logger: o.Logger, now: o.Now,
		limits: newHostLimits(o.HostRate), robots: newRobotsCache(), retry: newRetryPolicy(o.RetryBase), stall: stallLimit, spoolDir: o.SpoolDir,
		linksMemory: format.MaxHTMLMemory,
	}
}

// Close ends idle connections.
func (s *Scraper) Close() {
	s.guarded.Close()
	s.private.Close()
}

// Fetched is what one fetch brought.
type Fetched struct {
	// Pages received, in order, also those of a fetch that failed: an error
	// page, or one that was cut. The page after the last one, by which paging by
	// number knows that it is at the end, is not among them.
	Pages []register.Page
	// NotModified says that the register is as it was when the validators were
	// taken: the answer was 304, or every page has the same bytes.
	NotModified bool
	// Validators to send next time, to be kept if the fetch proves complete.
	Validators  register.Validators
	PublishedAt *time.Time // the latest Last-Modified
	ObservedAt  time.Time  // when the last page was received
	// Body is that of the only page, where it is large and could be kept beside
	// the archive; nil: it is in the archive alone. [Fetched.Close] ends it.
	Body io.ReaderAt
	// PagingEnded says why paging ended although more pages may follow, as does
	// the page at which it did; empty: it ended by its rule, or there is none.
	PagingEnded string
}

// Close releases the body.
func (f Fetched) Close() {
	if closer, ok := f.Body.(io.Closer); ok {
		_ = closer.Close() // it was only read
	}
}

// errTimeLimit ends a fetch that takes longer than its definition allows.
var errTimeLimit = errors.New("fetch.timeout is over")

// Fetch downloads the pages of a register into the archive. v is what an
// earlier complete fetch left, or zero.
//
// An error is a [*register.Failure] that names the URL, or wraps ctx's error if
// the caller ended it. What was received until then is returned beside it. A
// body that ended before its announced end is no error here: its page says so
// ([register.FramedCut]), and gate 1 judges it. Watch may be nil.
func (s *Scraper) Fetch(ctx context.Context, def register.Definition, v register.Validators, watch Watch) (fetched Fetched, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, def.Fetch.TimeLimit(), errTimeLimit)
	defer cancel()
	f := s.newFetching(def, v, watch)
	defer f.close()
	defer func() {
		if p := recover(); p != nil {
			err = &register.Failure{
				Class: register.ClassInternal, Where: f.transport.asked.url, Err: fmt.Errorf("fetch %s: panic: %v", def.ID, p),
				Hint: "this is a defect of regwatch; please report it",
			}
		}
		fetched = f.result(err == nil)
	}()
	return fetched, f.all(ctx)
}

// newFetching prepares one fetch.
func (s *Scraper) newFetching(def register.Definition, v register.Validators, watch Watch) *fetching {
	if v.Definition != def.Fingerprint() {
		v = register.Validators{FullAt: v.FullAt} // read differently then: nothing to compare with
	}
	net := s.guarded
	if def.Fetch.AllowPrivate {
		net = s.private
	}
	keeps := format.HasRowBytes(def.Parse) && len(def.Fetch.URLs) == 1 && def.Fetch.Pages == nil
	f := &fetching{scraper: s, def: def, before: v, transport: &transport{
		scraper: s, net: net.Transport(), fetch: def.Fetch, keeps: keeps, begins: v.Begins, arrives: watch,
	}}
	f.trust(net)
	return f
}

// userAgent is what every request is signed with.
func userAgent(version, contact string) string {
	agent := "regwatch"
	if version != "" {
		agent += "/" + version
	}
	if contact != "" {
		agent += " (+" + contact + ")"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r > unicode.MaxASCII {
			return -1
		}
		return r
	}, agent)
}
