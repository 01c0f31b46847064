package testsite

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Response is how a page is answered. Its zero value is an empty page with
// status 200. The words in brackets are those of a [Script].
type Response struct {
	Status  int         // [status 503]
	Header  http.Header // [type text/csv], [header Name: value]
	Body    []byte      // [text] and its lines, [quoted "\x00"], [base64 AA==], [lines 1 9 %d,Name %d]; {{request}} and {{site}} are filled in
	Framing string      // [chunked], [close]; empty: by its length
	Coding  string      // [gzip], [deflate]: the body, and what Zeros adds, are compressed so
	Zeros   int64       // [zeros 10GB]: as many bytes behind the body
	Endless bool        // [endless]: the body again and again, until the client leaves
	Shuffle bool        // [shuffle]: its lines, save the first, in another order for each request

	Cut   int64         // [cut 100]: the connection ends after as many bytes of what is sent
	Reset bool          // [reset 100]: likewise, by a reset
	Piece int           // [drip 1 1s]: as many bytes at a time
	Pause time.Duration // and a pause before each

	Tag     string // [etag x]: what If-None-Match must be for a 304, whatever the body is
	Cookies int    // [cookies 10000]
	Fat     int64  // [fat 100MB]: a header of that size
	Headers bool   // [headers]: headers for ever
	Interim int    // [interim 1000]: answers of status 103 before the real one
	Raw     string // [raw "HTTP/1.1 200 OK\r\n\r\n"]: these bytes, and the connection ends

	After int       // [after 2 good]: so many requests are answered like this
	Then  *Response // and the rest like that
}

// set reads one setting.
func (r *Response) set(word, rest string, named map[string]Response) (err error) {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	switch word {
	case "type":
		r.Header.Set("Content-Type", rest)
	case "header":
		name, value, ok := strings.Cut(rest, ":")
		if !ok {
			return fmt.Errorf("header %q has no colon", rest)
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	case "text":
	case "quoted":
		text, err := strconv.Unquote(rest)
		if err != nil {
			return fmt.Errorf("quoted %s: %w", rest, err)
		}
		r.Body = append(r.Body, text...)
	case "base64":
		bytes, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return fmt.Errorf("base64: %w", err)
		}
		r.Body = append(r.Body, bytes...)
	case "raw":
		if r.Raw, err = strconv.Unquote(rest); err != nil {
			return fmt.Errorf("raw %s: %w", rest, err)
		}
	case "lines":
		return r.addLines(rest)
	case "chunked", "close":
		r.Framing = word
	case "gzip", "deflate":
		r.Coding = word
	case "endless":
		r.Endless = true
	case "shuffle":
		r.Shuffle = true
	case "headers":
		r.Headers = true
	case "etag":
		r.Tag = `"` + rest + `"`
	case "status":
		r.Status, err = strconv.Atoi(rest)
	case "cookies":
		r.Cookies, err = strconv.Atoi(rest)
	case "interim":
		r.Interim, err = strconv.Atoi(rest)
	case "zeros":
		r.Zeros, err = size(rest)
	case "fat":
		r.Fat, err = size(rest)
	case "cut", "reset":
		r.Reset = word == "reset"
		r.Cut, err = size(rest)
	case "drip":
		return r.drip(rest)
	case "after":
		return r.then(rest, named)
	default:
		return fmt.Errorf("a page has no setting %q", word)
	}
	return err
}

// addLines adds a line for each number from the first to the second.
func (r *Response) addLines(rest string) error {
	words := strings.SplitN(rest, " ", 3)
	if len(words) < 3 {
		return fmt.Errorf("lines %q: want two numbers and a pattern with %%d in it", rest)
	}
	from, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	to, err := strconv.Atoi(words[1])
	for i := from; i <= to; i++ {
		r.Body = append(r.Body, strings.ReplaceAll(words[2], "%d", strconv.Itoa(i))+"\n"...)
	}
	return err
}

func (r *Response) drip(rest string) error {
	piece, pause, _ := strings.Cut(rest, " ")
	var err error
	if r.Piece, err = strconv.Atoi(piece); err != nil {
		return err
	}
	r.Pause, err = time.ParseDuration(pause)
	return err
}

func (r *Response) then(rest string, named map[string]Response) error {
	after, name, _ := strings.Cut(rest, " ")
	then, ok := named[name]
	if !ok {
		return fmt.Errorf("there is no %q above", name)
	}
	r.Then = &then
	var err error
	r.After, err = strconv.Atoi(after)
	return err
}

// size reads a number of bytes: 100, 64KB, 5MB, 10GB.
func size(text string) (int64, error) {
	unit := int64(1)
	for suffix, factor := range map[string]int64{"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30} {
		if number, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = number, factor
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n * unit, err
}

func (r Response) clone() Response {
	r.Header, r.Body = r.Header.Clone(), slices.Clone(r.Body)
	return r
}
