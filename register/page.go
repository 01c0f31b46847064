package register

import (
	"net/http"
	"time"
)

// Page describes one response, or one saved file, whose exact bytes are in the
// archive under SHA256. For a 304 the hash is that of the page it repeats.
type Page struct {
	URL             string        `json:"url"`                 // as asked for
	FinalURL        string        `json:"final_url,omitempty"` // after redirects, where they led elsewhere
	Method          string        `json:"method,omitempty"`
	RequestHeader   http.Header   `json:"request_header,omitempty"`
	Status          int           `json:"status,omitempty"` // 0: a saved file
	ResponseHeader  http.Header   `json:"response_header,omitempty"`
	FetchedAt       time.Time     `json:"fetched_at"` // last byte received
	Took            time.Duration `json:"took,omitempty"`
	Attempts        int           `json:"attempts,omitempty"`
	SHA256          string        `json:"sha256,omitempty"` // hexadecimal, of the body after content decoding
	Bytes           int64         `json:"bytes"`
	Framing         Framing       `json:"framing,omitempty"`
	EndsWithNewline bool          `json:"ends_with_newline"`
	PagingEnded     string        `json:"paging_ended,omitempty"`  // why no page was asked for after this one, though more may follow
	CrawledAgain    string        `json:"crawled_again,omitempty"` // on a crawl's first page: why all its pages were asked for a second time
	Drift           string        `json:"drift,omitempty"`         // on a crawl's last page: what shows, the second time too, that its pages are not of one moment
}

// EndsLine reports of the last two bytes of a body whether they end a line, in UTF-16 with
// the low byte first too.
func EndsLine(tail [2]byte) bool { return tail[1] == '\n' || tail == [2]byte{'\n', 0} }

// Framing says how the end of a body was known.
type Framing string

// How the end of a body was known.
const (
	FramedLength  Framing = "content-length" // as many bytes as announced
	FramedChunks  Framing = "chunked"        // the terminating chunk, or HTTP/2's end of stream
	FramedFile    Framing = "file"           // a saved file's own length
	FramedTwice   Framing = "twice"          // closed, like the next; fetched once more, the bytes were equal
	FramedByClose Framing = "close"          // the connection was closed: no proof by itself
	FramedCut     Framing = "cut"            // it ended before its announced end
)

// Validators are what a conditional request sends back, kept from complete
// fetches only.
type Validators struct {
	URL          string    `json:"url,omitempty"` // whose ETag and LastModified these are
	ETag         string    `json:"etag,omitempty"`
	LastModified string    `json:"last_modified,omitempty"`
	SHA256       []string  `json:"sha256,omitempty"`     // of the pages' bodies, in order
	Begins       []uint64  `json:"begins,omitempty"`     // hashes of the first 4, 8, 16, ... MB of the only body, if it is large
	FullAt       time.Time `json:"full_at,omitzero"`     // last fetch made without conditions
	Definition   string    `json:"definition,omitempty"` // fingerprint of what read them
}
