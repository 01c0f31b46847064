package register

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// JSON gives the event as compact JSON, as encoding/json writes it, <, > and & as
// they are. A change is written field by field and not by reflection, for each goes
// out twice, on its stream and to its receivers, and thousands may go at once. The
// error is that of a year beyond 9999, or of data that has no JSON.
func (e Event) JSON() ([]byte, error) {
	change, ok := e.Data.(Change)
	if !ok {
		return e.reflected()
	}
	w := jsonWriter{b: make([]byte, 0, 2048)}
	w.open('{')
	w.text("specversion", e.SpecVersion)
	w.text("id", e.ID)
	w.text("type", e.Type)
	w.text("source", e.Source)
	w.textIfAny("subject", e.Subject)
	w.time("time", e.Time)
	w.text("datacontenttype", e.DataContentType)
	w.textIfAny("dataschema", e.DataSchema)
	w.name("data")
	w.change(change)
	w.close('}')
	if w.err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, w.err)
	}
	return w.b, nil
}

func (e Event) reflected() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, fmt.Errorf("encode event %s: %w", e.ID, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// jsonWriter appends JSON to b. Err is the first error.
type jsonWriter struct {
	b   []byte
	err error
}

func (w *jsonWriter) change(c Change) {
	w.open('{')
	w.text("id", c.ID)
	w.text("register", c.Register)
	w.text("title", c.Title)
	w.text("authority", c.Authority)
	w.text("country", c.Country)
	w.text("attribution", c.Attribution)
	w.text("kind", string(c.Kind))
	w.text("origin", string(c.Origin))
	w.name("sequence")
	if c.Sequence == nil {
		w.null()
	} else {
		w.b = strconv.AppendInt(w.b, *c.Sequence, 10)
	}
	w.time("observed_at", c.ObservedAt)
	w.text("entry_id", c.EntryID)
	w.text("key", string(c.Key))
	w.name("previous_key")
	if c.PreviousKey == nil {
		w.null()
	} else {
		w.b = appendText(w.b, string(*c.PreviousKey))
	}
	w.values("before", c.Before)
	w.values("after", c.After)
	if len(c.Differences) > 0 {
		w.differences("differences", c.Differences)
	}
	w.time("first_seen", c.FirstSeen)
	w.time("last_seen", c.LastSeen)
	w.instant("missing_since", c.MissingSince)
	w.date("listed_on", c.ListedOn)
	w.date("delisted_on", c.DelistedOn)
	list(w, "earlier_periods", c.EarlierPeriods, func(p Period) {
		w.time("from", p.From)
		w.time("to", p.To)
	})
	w.text("run", c.Run.String())
	w.truth("partial", c.Partial)
	w.name("evidence")
	w.evidence(c.Evidence)
	w.close('}')
}

func (w *jsonWriter) evidence(e Evidence) {
	w.open('{')
	w.text("url", e.URL)
	w.time("fetched_at", e.FetchedAt)
	w.instant("published_at", e.PublishedAt)
	list(w, "pages", e.Pages, func(p EvidencePage) {
		w.text("url", p.URL)
		w.text("sha256", p.SHA256)
		w.number("bytes", p.Bytes)
	})
	w.truth("complete", e.Complete)
	w.text("definition", e.Definition)
	w.close('}')
}

func (w *jsonWriter) differences(name string, d map[string]Difference) {
	w.name(name)
	w.open('{')
	for _, field := range slices.Sorted(maps.Keys(d)) {
		w.next()
		w.b = append(appendText(w.b, field), ':', '[')
		w.b = append(appendText(w.b, d[field][0]), ',')
		w.b = append(appendText(w.b, d[field][1]), ']')
	}
	w.close('}')
}

// list writes an array of objects; nil becomes null.
func list[T any](w *jsonWriter, name string, all []T, fields func(T)) {
	w.name(name)
	if all == nil {
		w.null()
		return
	}
	w.open('[')
	for _, one := range all {
		w.next()
		w.open('{')
		fields(one)
		w.close('}')
	}
	w.close(']')
}

func (w *jsonWriter) open(c byte)  { w.b = append(w.b, c) }
func (w *jsonWriter) close(c byte) { w.b = append(w.b, c) }
func (w *jsonWriter) null()        { w.b = append(w.b, "null"...) }

// next separates what comes from what was before it.
func (w *jsonWriter) next() {
	if last := w.b[len(w.b)-1]; last != '{' && last != '[' {
		w.b = append(w.b, ',')
	}
}

// name begins a field, the name of which needs no escape.
func (w *jsonWriter) name(name string) {
	w.next()
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

func (w *jsonWriter) text(name, text string) {
	w.name(name)
	w.b = appendText(w.b, text)
}

func (w *jsonWriter) textIfAny(name, text string) {
	if text != "" {
		w.text(name, text)
	}
}

func (w *jsonWriter) number(name string, n int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *jsonWriter) truth(name string, is bool) {
	w.name(name)
	w.b = strconv.AppendBool(w.b, is)
}

func (w *jsonWriter) date(name string, d Date) {
	w.name(name)
	if d == "" {
		w.null()
		return
	}
	w.b = appendText(w.b, string(d))
}

func (w *jsonWriter) time(name string, t time.Time) {
	w.name(name)
	b, err := t.AppendText(append(w.b, '"'))
	if err != nil {
		w.err = fmt.Errorf("%s: %w", name, err)
		return
	}
	w.b = b
	w.b = append(w.b, '"')
}

// instant writes a time; nil becomes null.
func (w *jsonWriter) instant(name string, t *time.Time) {
	if t == nil {
		w.name(name)
		w.null()
		return
	}
	w.time(name, *t)
}

func (w *jsonWriter) values(name string, v Values) {
	w.name(name)
	w.b = v.appendJSON(w.b)
}
