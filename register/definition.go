package register

import "time"

// Definition says where a register is, how to read it and when. It is what a
// definition file holds, as plain values: schedules loads and checks it, and
// every other package reads its own part. A zero value means the default that
// the methods below give.
type Definition struct {
	ID          string // [a-z0-9-], starts with the country; a token in subjects and paths
	Title       string
	Authority   Authority
	About       string
	License     string // under which terms the register may be reproduced
	Attribution string // the words that its licence asks for, shown with every change
	Topics      []string
	Schedule    Schedule
	Fetch       Fetch
	Parse       Parse
	Fields      []Field // in declared order
	Key         []string
	ListedWhile string   // expression over the fields; empty: every row is listed
	Ignore      []string // fields that are published and never compared
	Expect      Expect
	Disabled    bool // `enabled: false`: known, never fetched
	File        string
}

// Authority is the public body that keeps a register.
type Authority struct {
	Name    string
	Country string // ISO 3166-1 alpha-2, or EU, UN
	URL     string
}

// Schedule says when a register is due.
type Schedule struct {
	Cron     string        // robfig/cron's five fields, or @every, @daily …
	Timezone string        // IANA name; empty: UTC
	Jitter   time.Duration // a run starts up to this much after its tick
}

// Fetch says where the pages of a register are and how to ask for them.
type Fetch struct {
	URLs         []string
	Method       string // empty: GET, or POST with a form or a JSON body
	Headers      map[string]string
	Form         map[string]string
	JSON         string // request body, compact JSON
	Pages        *Paging
	Encoding     string        // WHATWG label; empty: found out
	MaxBytes     int64         // of one decompressed body; see [Fetch.SizeLimit]
	Timeout      time.Duration // of a whole fetch; see [Fetch.TimeLimit]
	AllowPrivate bool          // private and loopback addresses may be dialed
	TLS          TLS           // whom this source's servers are believed by
}

// Paging says how a register that has several pages goes on: by a link
// (Next, a CSS selector), or by a counted query parameter (Param).
type Paging struct {
	Next  string
	Param string
	From  int // first value of Param
	Step  int // 0: 1
	Max   int // 0: see [Paging.Limit]
}

// Defaults of a definition, in the words of docs/adding-a-register.md.
const (
	DefaultMaxBytes     = 256 << 20 // 256 MB
	DefaultTimeout      = 10 * time.Minute
	DefaultMaxPages     = 500
	DefaultConfirm      = 2              // complete fetches that must lack an entry
	DefaultReleaseAfter = 72 * time.Hour // of agreement until a hold ends by itself
)

// SizeLimit is the largest decompressed body that is read, in bytes.
func (f Fetch) SizeLimit() int64 {
	if f.MaxBytes > 0 {
		return f.MaxBytes
	}
	return DefaultMaxBytes
}

// TimeLimit is how long a whole fetch may take, all pages and retries together.
func (f Fetch) TimeLimit() time.Duration {
	if f.Timeout > 0 {
		return f.Timeout
	}
	return DefaultTimeout
}

// Limit is the largest number of pages that one fetch follows.
func (p Paging) Limit() int {
	if p.Max > 0 {
		return p.Max
	}
	return DefaultMaxPages
}

// Formats that a definition may name under parse.format.
const (
	FormatCSV    = "csv"
	FormatHTML   = "html"
	FormatJSON   = "json"
	FormatNDJSON = "ndjson" // a JSON value on each line
	FormatXML    = "xml"
	FormatText   = "text"
)

// OfLines reports whether rows end where lines do, so that nothing but what stands
// around it shows where a page ends.
func OfLines(format string) bool {
	return format == FormatCSV || format == FormatText || format == FormatNDJSON
}

// Parse says how the bytes of a page become rows.
type Parse struct {
	Format    string
	Delimiter string // csv; empty: ","
	NoHeader  bool   // csv `header: false`: fields are named by index
	Skip      int    // csv: leading lines that are not part of the table
	Lazy      bool   // csv: quotes may stand loose inside a cell
	Rows      string // json: gojq; xml: path; html: CSS selector; text: regular expression
	Comment   string // text: lines that begin so are skipped
}

// Field types: what a published value means, and so when two are the same.
const (
	TypeText     = "text"
	TypeDate     = "date"
	TypeDatetime = "datetime"
	TypeDomain   = "domain"
	TypeURL      = "url"
	TypeNumber   = "number"
	TypeList     = "list"
)

// Field is one declared field: its name is ours, From is the register's.
type Field struct {
	Name     string
	From     []Source          // any of these
	Type     string            // empty: text
	Layout   string            // date and datetime: a Go layout
	Sep      string            // list: what separates the items
	Map      map[string]string // published value → ours
	Strip    string            // regular expression taken off before comparing
	Optional bool              // its column may be missing
}

// Source names the column of a field: by name (a column, CSS selector, gojq
// program or path, as the format has it), or by zero-based index when ByIndex.
type Source struct {
	Name    string
	Index   int
	ByIndex bool
}

// Names of fields that carry meaning in every register.
const (
	FieldName       = "name"
	FieldListedOn   = "listed_on"
	FieldDelistedOn = "delisted_on"
)

// Expect is what the operator knows of a register, and the thresholds of
// gate 2 that he set himself.
type Expect struct {
	Entries      Bounds
	Total        string // selector or gojq of a declared total
	Sentinel     string // text at the end of a whole body
	Thresholds   Thresholds
	Confirm      int           // removals.confirm; see [Expect.Confirmations]
	ReleaseAfter time.Duration // hold.release_after; see [Expect.HoldFor]
	NeverRelease bool          // hold.release_after: never
	FreshWithin  time.Duration
}

// Bounds of a count; nil: unbounded, save that zero entries fail unless Min
// says 0.
type Bounds struct{ Min, Max *int }

// Share is a part, 0.02 for 2 %.
type Share float64

// Confirmations is how many complete fetches of different ticks must lack an
// entry before its removal is believed.
func (e Expect) Confirmations() int {
	if e.Confirm > 0 {
		return e.Confirm
	}
	return DefaultConfirm
}

// HoldFor is how long held differences must agree until they are released.
func (e Expect) HoldFor() time.Duration {
	if e.ReleaseAfter > 0 {
		return e.ReleaseAfter
	}
	return DefaultReleaseAfter
}

// Field returns the declared field of that name.
func (d Definition) Field(name string) (Field, bool) {
	for _, f := range d.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// Compared reports for each declared field, in order, whether it is compared.
func (d Definition) Compared() []bool {
	compared := make([]bool, len(d.Fields))
	for i, f := range d.Fields {
		compared[i] = true
		for _, name := range d.Ignore {
			if name == f.Name {
				compared[i] = false
			}
		}
	}
	return compared
}

// FieldError is one thing wrong with a definition or a configuration: where in
// it, by path ("fields.domain.type"), what, and what to do. Whoever read the
// file adds line and column.
type FieldError struct {
	Path    string
	Message string
	Hint    string // may be empty
}

// Error gives path, message and hint on one line.
func (e FieldError) Error() string {
	s := e.Path + ": " + e.Message
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}
