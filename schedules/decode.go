package schedules

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// decoder makes a definition of a file's nodes. It takes what has the right
// shape and leaves out the rest, which the schema has reported.
type decoder struct{ report *report }

func (d decoder) definition(root *node) register.Definition {
	authority, schedule := root.member("authority"), root.member("schedule")
	return register.Definition{
		ID:    root.string("id"),
		Title: root.string("title"),
		Authority: register.Authority{
			Name:    authority.string("name"),
			Country: authority.string("country"),
			URL:     authority.string("url"),
		},
		About:       strings.TrimSpace(root.string("about")),
		License:     strings.TrimSpace(root.string("license")),
		Attribution: strings.TrimSpace(root.string("attribution")),
		Topics:      root.strings("topics"),
		Schedule: register.Schedule{
			Cron:     schedule.string("cron"),
			Timezone: schedule.string("timezone"),
			Jitter:   d.duration(schedule, "schedule", "jitter"),
		},
		Fetch:       d.fetch(root.member("fetch")),
		Parse:       parseOf(root.member("parse")),
		Fields:      fieldsOf(root.member("fields")),
		Key:         root.strings("key"),
		ListedWhile: root.string("listed_while"),
		Ignore:      root.strings("ignore"),
		Expect:      d.expect(root.member("expect")),
		Disabled:    root.member("enabled") != nil && root.member("enabled").value == false,
		File:        d.report.file,
	}
}

func (d decoder) fetch(n *node) register.Fetch {
	f := register.Fetch{
		URLs:         n.strings("urls"),
		Method:       n.string("method"),
		Headers:      n.texts("headers"),
		Form:         n.texts("form"),
		JSON:         d.body(n.member("json")),
		Encoding:     n.string("encoding"),
		MaxBytes:     d.size(n, "fetch", "max_bytes"),
		Timeout:      d.duration(n, "fetch", "timeout"),
		AllowPrivate: n.bool("allow_private"),
		TLS:          register.TLS{CA: n.member("tls").string("ca"), Pins: n.member("tls").strings("pin")},
	}
	if url := n.string("url"); url != "" && len(f.URLs) == 0 {
		f.URLs = []string{url}
	}
	if pages := n.member("pages"); pages != nil {
		f.Pages = &register.Paging{
			Next:  pages.string("next"),
			Param: pages.string("param"),
			From:  pages.int("from"),
			Step:  pages.int("step"),
			Max:   pages.int("max"),
		}
	}
	return f
}

func parseOf(n *node) register.Parse {
	header := n.member("header")
	return register.Parse{
		Format:    n.string("format"),
		Delimiter: n.string("delimiter"),
		NoHeader:  header != nil && header.value == false,
		Skip:      n.int("skip"),
		Lazy:      n.bool("lazy"),
		Rows:      n.string("rows"),
		Comment:   n.string("comment"),
	}
}

func fieldsOf(n *node) []register.Field {
	if n == nil {
		return nil
	}
	var fields []register.Field
	for _, m := range n.members {
		f := register.Field{
			Name:     m.name,
			From:     sourcesOf(m.member("from")),
			Type:     m.string("type"),
			Layout:   m.string("layout"),
			Sep:      m.string("sep"),
			Map:      m.texts("map"),
			Strip:    m.string("strip"),
			Optional: m.bool("optional"),
		}
		if m.member("from") == nil {
			f.From = []register.Source{{Name: m.name}}
		}
		fields = append(fields, f)
	}
	return fields
}

func sourcesOf(n *node) []register.Source {
	if n == nil {
		return nil
	}
	items := n.items
	if n.shape == scalar {
		items = []*node{n}
	}
	var sources []register.Source
	for _, item := range items {
		switch v := item.value.(type) {
		case string:
			sources = append(sources, register.Source{Name: v})
		case int:
			sources = append(sources, register.Source{Index: v, ByIndex: true})
		}
	}
	return sources
}

func (d decoder) expect(n *node) register.Expect {
	hold := n.member("hold")
	e := register.Expect{
		Entries: register.Bounds{
			Min: n.member("entries").intPointer("min"),
			Max: n.member("entries").intPointer("max"),
		},
		Total:       n.string("total"),
		Sentinel:    n.string("sentinel"),
		Thresholds:  d.thresholds(n),
		Confirm:     n.member("removals").int("confirm"),
		FreshWithin: d.duration(n, "expect", "fresh_within"),
	}
	if e.NeverRelease = hold.string("release_after") == "never"; !e.NeverRelease {
		e.ReleaseAfter = d.duration(hold, "expect", "hold", "release_after")
	}
	return e
}

func (d decoder) thresholds(n *node) register.Thresholds {
	flood, rekey := n.member("flood"), n.member("rekey")
	return register.Thresholds{
		Removed:      d.share(flood, "expect", "flood", "removed"),
		FewRemoved:   flood.int("few_removed"),
		ManyRemoved:  flood.int("many_removed"),
		SmallRemoved: d.share(flood, "expect", "flood", "small_removed"),
		LeastRemoved: flood.int("least_removed"),
		Changed:      d.share(flood, "expect", "flood", "changed"),
		FewChanged:   flood.int("few_changed"),
		SmallChanged: d.share(flood, "expect", "flood", "small_changed"),
		LeastChanged: flood.int("least_changed"),
		Swap:         d.share(n, "expect", "swap"),
		Known:        d.share(n, "expect", "known"),
		Emptied:      d.share(n, "expect", "emptied"),
		Mistyped:     d.share(n, "expect", "mistyped"),
		Filled:       n.int("filled"),
		RekeyPairs:   rekey.int("pairs"),
		RekeyFields:  rekey.int("fields"),
		Reused:       d.share(n, "expect", "reused"),
	}
}

// body writes a request's body as compact JSON.
func (d decoder) body(n *node) string {
	if n == nil {
		return ""
	}
	text, err := json.Marshal(n.plain())
	if err != nil {
		d.report.add(n, []string{"fetch", "json"}, "can not be written as JSON: "+err.Error(), "")
		return ""
	}
	return string(text)
}

// quantity reads a member that is written as text, the last token of its path.
func quantity[T any](d decoder, n *node, path []string, parse func(string) (T, error)) T {
	var none T
	m := n.member(path[len(path)-1])
	if m == nil || m.shape != scalar || m.text == "" {
		return none
	}
	v, err := parse(m.text)
	if err != nil {
		d.report.add(m, path, err.Error(), "")
		return none
	}
	return v
}

func (d decoder) duration(n *node, path ...string) time.Duration {
	v := quantity(d, n, path, parseDuration)
	if m := n.member(path[len(path)-1]); m != nil && v == 0 && path[len(path)-1] != "jitter" {
		d.report.add(m, path, "must be longer than nothing", "leave it out for the default")
	}
	return v
}

func (d decoder) size(n *node, path ...string) int64 {
	v := quantity(d, n, path, parseSize)
	if m := n.member(path[len(path)-1]); m != nil && v <= 0 {
		d.report.add(m, path, "must be larger than nothing", "leave it out for the default")
	}
	return v
}

func (d decoder) share(n *node, path ...string) register.Share {
	v := quantity(d, n, path, parseShare)
	if m := n.member(path[len(path)-1]); m != nil && !(v > 0 && v <= 1) {
		d.report.add(m, path, fmt.Sprintf("%s is not above 0%% and at most 100%%", m.text), "leave it out for the default")
	}
	return register.Share(v)
}

// string gives the text of a member, "" where it is not text.
func (n *node) string(name string) string {
	m := n.member(name)
	if m == nil {
		return ""
	}
	text, _ := m.value.(string)
	return text
}

// strings gives the texts of a member that is a list.
func (n *node) strings(name string) []string {
	m := n.member(name)
	if m == nil {
		return nil
	}
	var texts []string
	for _, item := range m.items {
		if text, ok := item.value.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// texts gives a member that is a mapping of names to scalars, as written.
func (n *node) texts(name string) map[string]string {
	m := n.member(name)
	if m == nil || len(m.members) == 0 {
		return nil
	}
	texts := make(map[string]string, len(m.members))
	for _, member := range m.members {
		texts[member.name] = member.text
	}
	return texts
}

func (n *node) bool(name string) bool {
	m := n.member(name)
	return m != nil && m.value == true
}

func (n *node) int(name string) int {
	if p := n.intPointer(name); p != nil {
		return *p
	}
	return 0
}

func (n *node) intPointer(name string) *int {
	m := n.member(name)
	if m == nil {
		return nil
	}
	if v, ok := m.value.(int); ok {
		return &v
	}
	return nil
}
