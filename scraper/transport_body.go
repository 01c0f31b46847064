package scraper

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html/charset"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

const (
	maxErrorBody = 1 << 20  // of an error page that is kept
	maxLinksBody = 32 << 20 // of a page in which links are searched
	copyBuffer   = 64 << 10
)

// How reading a body may end otherwise than well.
var (
	errCut      = errors.New("the body ended before its announced end")
	errTooLarge = errors.New("the body is over the limit")
	errDamaged  = errors.New("the body is not valid gzip")
	errCoding   = errors.New("the body has a content encoding that was not asked for")
	errStalled  = errors.New("no byte for too long")
	errArchive  = errors.New("archive the body")
)

// receive streams a body into the archive and writes on page what it was. A
// body that ended early is kept if keepCut, else it is dropped and errCut
// returned. links is the body for colly, in UTF-8, where it was asked for.
func (t *transport) receive(ctx context.Context, stop context.CancelCauseFunc, res *http.Response, page *register.Page, keepCut bool) (links []byte, err error) {
	defer res.Body.Close()
	body, err := t.scraper.archive.Create(ctx)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause // not the archive's trouble
		}
		return nil, fmt.Errorf("%w: %w", errArchive, err)
	}
	in := intake{body: body, limit: t.fetch.SizeLimit()}
	ok := res.StatusCode == http.StatusOK
	if ok && t.keeps {
		_ = t.body.Close() // an earlier attempt's
		t.body = newSpool(t.scraper.spoolDir, t.begins, t.watched(*page))
		in.spool = t.body
	}
	if !ok {
		in.limit = min(in.limit, maxErrorBody)
	}
	if ok && t.asked.links {
		in.links = new(bytes.Buffer)
	}
	err = in.read(res, t.watch(res.Body, stop))
	in.spool.end(err)
	if errors.Is(err, errCut) && ok && !keepCut && ctxAlive(ctx) {
		body.Abort()
		return nil, errCut
	}
	if errors.Is(err, errTooLarge) || errors.Is(err, errArchive) {
		body.Abort()
		page.Bytes = in.size
	} else if commitErr := in.commit(page); commitErr != nil {
		return nil, commitErr
	}
	page.Framing = framingOf(res)
	if err != nil {
		page.Framing = register.FramedCut
	}
	switch {
	case !ok, errors.Is(err, errCut) && ctxAlive(ctx):
		err = nil // the status, or gate 1, says the rest
	case errors.Is(err, errCut):
		err = context.Cause(ctx)
	case errors.Is(err, errTooLarge):
		err = t.tooLarge(err, in.limit)
	}
	if err != nil || in.links == nil {
		return nil, err
	}
	links, err = decodeLinks(in.links.Bytes(), res.Header.Get("Content-Type"), t.fetch.Encoding)
	if err != nil {
		return nil, err
	}
	return links, t.checkLinks(ctx, links)
}

// watched tells of a body that is not the last complete fetch's; nil where nobody
// is to be told.
func (t *transport) watched(page register.Page) func(body *spool) {
	if t.arrives == nil {
		return nil
	}
	return func(body *spool) {
		page.Bytes = body.arrived
		t.arrives(page, body)
	}
}

// checkLinks refuses a page that colly, which bounds neither depth nor memory,
// must not parse.
func (t *transport) checkLinks(ctx context.Context, page []byte) error {
	err := format.CheckHTML(ctx, bytes.NewReader(page), t.scraper.linksMemory)
	if f, ok := errors.AsType[*register.Failure](err); ok {
		f.Where = t.asked.url
		f.Hint = orDefault(f.Hint, "if the register has another form now, mend fetch.pages and parse")
	}
	return err
}

func (t *transport) tooLarge(err error, limit int64) error {
	return &register.Failure{
		Class: register.ClassTooLarge, Where: t.asked.url,
		Err:  fmt.Errorf("%w (%d bytes after decompression)", err, limit),
		Hint: "if the register is really that large, raise fetch.max_bytes",
	}
}

// ctxAlive reports whether the fetch goes on: one connection that stalled was
// given up, but not the fetch.
func ctxAlive(ctx context.Context) bool {
	return ctx.Err() == nil || errors.Is(context.Cause(ctx), errStalled)
}

// intake copies one body into the archive.
type intake struct {
	body  Body
	spool *spool // nil: none
	limit int64  // bytes
	links *bytes.Buffer
	size  int64
	tail  [2]byte
}

// read copies until the end of the body; nil: its end was seen.
func (in *intake) read(res *http.Response, raw io.Reader) error {
	src, err := decoded(res, raw, in.limit)
	if err != nil {
		return err
	}
	buffer := make([]byte, copyBuffer)
	for {
		n, readErr := src.Read(buffer)
		if err := in.take(buffer[:n]); err != nil {
			return err
		}
		switch {
		case readErr == nil:
		case errors.Is(readErr, io.EOF):
			return nil
		case errors.Is(readErr, errTooLarge), isDamage(readErr):
			return readErr
		default:
			return fmt.Errorf("%w: %w", errCut, readErr)
		}
	}
}

// take keeps some bytes. A body of exactly the limit is fine, one byte more is not.
func (in *intake) take(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if in.size+int64(len(p)) > in.limit {
		return errTooLarge
	}
	in.size += int64(len(p))
	if _, err := in.body.Write(p); err != nil {
		return fmt.Errorf("%w: %w", errArchive, err)
	}
	in.spool.write(p)
	if len(p) > 1 {
		copy(in.tail[:], p[len(p)-2:])
	} else {
		in.tail = [2]byte{in.tail[1], p[0]}
	}
	if in.links != nil {
		if in.links.Len()+len(p) > maxLinksBody {
			return fmt.Errorf("%w: a page is searched for its next link up to 32 MB", errTooLarge)
		}
		in.links.Write(p)
	}
	return nil
}

// commit makes the body durable.
func (in *intake) commit(page *register.Page) error {
	sum, size, err := in.body.Commit()
	if err != nil {
		return fmt.Errorf("%w: %w", errArchive, err)
	}
	page.SHA256, page.Bytes = sum, size
	if in.spool != nil {
		in.spool.sha256 = sum
	}
	page.EndsWithNewline = register.EndsLine(in.tail)
	return nil
}

// framingOf says how the end of a body is known, if it is reached.
func framingOf(res *http.Response) register.Framing {
	switch {
	case res.ContentLength >= 0:
		return register.FramedLength
	case res.ProtoMajor >= 2 || slices.Contains(res.TransferEncoding, "chunked"):
		return register.FramedChunks
	}
	return register.FramedByClose
}

// decoded undoes the content encoding, of which only gzip was asked for. The
// compressed side is bounded too: gzip can hold endless nothing.
func decoded(res *http.Response, raw io.Reader, limit int64) (io.Reader, error) {
	switch coding := strings.ToLower(strings.Join(res.Header.Values("Content-Encoding"), ",")); strings.TrimSpace(coding) {
	case "", "identity":
		if res.ContentLength > limit {
			return nil, errTooLarge
		}
		return raw, nil
	case "gzip", "x-gzip":
		return &gunzip{raw: &capped{r: raw, left: limit + limit/64 + 1<<20}}, nil
	default:
		return nil, fmt.Errorf("%w: %.40q", errCoding, coding)
	}
}

// gunzip begins to decompress with the first read. An empty body is empty.
type gunzip struct {
	raw io.Reader
	zip *gzip.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.zip == nil {
		zip, err := gzip.NewReader(g.raw)
		if err != nil {
			return 0, wrapDamage(err)
		}
		g.zip = zip
	}
	n, err := g.zip.Read(p)
	return n, wrapDamage(err)
}

func wrapDamage(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return err
}

func isDamage(err error) bool { return errors.Is(err, errDamaged) }

// capped ends with errTooLarge after left bytes.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooLarge
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// watch gives up the connection when a read brings nothing for too long.
func (t *transport) watch(r io.Reader, stop context.CancelCauseFunc) io.Reader {
	timer := time.AfterFunc(t.scraper.stall, func() { stop(errStalled) })
	timer.Stop()
	return &watched{r: r, timer: timer, limit: t.scraper.stall}
}

type watched struct {
	r     io.Reader
	timer *time.Timer
	limit time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.limit)
	defer w.timer.Stop()
	return w.r.Read(p)
}

// decodeLinks turns a page into UTF-8 for the search of links: by the
// definition's encoding, else as browsers find it out.
func decodeLinks(page []byte, contentType, encoding string) ([]byte, error) {
	if encoding != "" {
		contentType = "text/html; charset=" + encoding
	}
	r, err := charset.NewReader(bytes.NewReader(page), contentType)
	if err != nil {
		return nil, fmt.Errorf("decode the page to find its next link: %w", err)
	}
	return io.ReadAll(r)
}
