package pipeline_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/regwatch/regwatch/differ"
	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper"
)

// cells of generated rows: an identifier and two texts.
type cells [3]string

// bodyFormat writes rows as a page of one format, and says how to read it.
type bodyFormat struct {
	parse register.Parse
	from  [3]string
	write func(rows []cells) string
}

var columns = [3]string{"id", "name", "reason"}

var bodyFormats = map[string]bodyFormat{
	"csv": {register.Parse{Format: register.FormatCSV}, columns, func(rows []cells) string {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		_ = w.Write(columns[:])
		for _, r := range rows {
			_ = w.Write(r[:])
		}
		w.Flush()
		return b.String()
	}},
	"json": {register.Parse{Format: register.FormatJSON, Rows: ".entries[]"}, [3]string{".id", ".name", ".reason"}, func(rows []cells) string {
		entries := []map[string]string{}
		for _, r := range rows {
			entries = append(entries, map[string]string{"id": r[0], "name": r[1], "reason": r[2]})
		}
		text, _ := json.Marshal(map[string]any{"entries": entries})
		return string(text)
	}},
	"xml": {register.Parse{Format: register.FormatXML, Rows: "list/entry"}, [3]string{"@id", "name", "reason"}, func(rows []cells) string {
		var b strings.Builder
		b.WriteString("<list>")
		for _, r := range rows {
			fmt.Fprintf(&b, `<entry id="%s"><name>%s</name><reason>%s</reason></entry>`, escapeXML(r[0]), escapeXML(r[1]), escapeXML(r[2]))
		}
		return b.String() + "</list>"
	}},
	"html": {register.Parse{Format: register.FormatHTML, Rows: "table tr"}, columns, func(rows []cells) string {
		var b strings.Builder
		b.WriteString("<!doctype html><html><body><table><tr><th>id</th><th>name</th><th>reason</th></tr>")
		for _, r := range rows {
			fmt.Fprintf(&b, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>", html.EscapeString(r[0]), html.EscapeString(r[1]), html.EscapeString(r[2]))
		}
		return b.String() + "</table></body></html>"
	}},
	"text": {register.Parse{Format: register.FormatText, Rows: `^(?P<id>[^|]*)\|(?P<name>[^|]*)\|(?P<reason>[^|]*)$`}, columns, func(rows []cells) string {
		var b strings.Builder
		for _, r := range rows {
			b.WriteString(strings.Join(r[:], "|") + "\n")
		}
		return b.String()
	}},
}

func escapeXML(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// TestBodiesDiffAsTheirRowsDo draws two versions of a register, writes them in
// every format, reads them back and holds the differ to its promises: apply(a,
// Diff(a, b)) is b, Diff(a, a) is empty, and the order of rows changes nothing.
func TestBodiesDiffAsTheirRowsDo(t *testing.T) {
	for name, f := range bodyFormats {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				older, newer := drawRows(t, "older"), drawRows(t, "newer")
				a, b := f.read(t, older), f.read(t, newer)
				if diff := cmp.Diff(differ.Apply(b.Entries, differ.Differences{}), differ.Apply(a.Entries, differ.Diff(a, b))); diff != "" {
					t.Fatalf("apply(a, Diff(a, b)) is not b: %s", diff)
				}
				shuffled := slices.Clone(older)
				rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)).Shuffle(len(shuffled), func(i, j int) {
					shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
				})
				if d := differ.Diff(a, f.read(t, shuffled)); !d.Empty() || d.Same != len(a.Entries) {
					t.Fatalf("the same rows in another order differ: %+v", d)
				}
			})
		})
	}
}

// drawRows draws rows whose keys and texts repeat, with characters that need
// escaping somewhere.
func drawRows(t *rapid.T, label string) []cells {
	text := rapid.SampledFrom([]string{"", "plain", "Ünïcode ž", `q"uo,te;`, "a < b & c", "two  blanks", "zero\u200bwidth", "řádek"})
	rows := []cells{{"first", "there is", "always one"}}
	for i := range rapid.IntRange(0, 12).Draw(t, label) {
		rows = append(rows, cells{
			fmt.Sprintf("n%d", rapid.IntRange(0, 8).Draw(t, "id")), text.Draw(t, fmt.Sprint("name ", i)), text.Draw(t, fmt.Sprint("reason ", i)),
		})
	}
	return rows
}

func (f bodyFormat) read(t *rapid.T, rows []cells) register.Snapshot {
	def := register.Definition{ID: "xx-drawn", Parse: f.parse, Key: []string{"number"}}
	for i, name := range []string{"number", "name", "reason"} {
		def.Fields = append(def.Fields, register.Field{Name: name, From: []register.Source{{Name: f.from[i]}}})
	}
	reader, wrong := scraper.NewReader(def)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	body := f.write(rows)
	page := register.Page{URL: "drawn", SHA256: "drawn", Bytes: int64(len(body)), Framing: register.FramedFile, EndsWithNewline: strings.HasSuffix(body, "\n")}
	open := func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	snapshot, proof, err := reader.Read(t.Context(), []register.Page{page}, open, register.Health{})
	if err != nil || !proof.Complete() {
		t.Fatalf("%q: %v, %+v", body, err, proof)
	}
	return snapshot
}
