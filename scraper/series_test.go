package scraper

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/regwatch/regwatch/register"
)

var update = flag.Bool("update", false, "write golden files anew")

// series are real registers, read as a definition of theirs would.
func series() map[string]register.Definition {
	return map[string]register.Definition{
		"cz-mf-blocklist": czDefinition(),
		"eu-esma-mica-casp": {
			Parse: register.Parse{Format: register.FormatCSV}, Key: []string{"ae_lei_name", "ae_lei"},
			Fields: named("ae_competentAuthority", "ae_homeMemberState", "ae_lei_name", "ae_lei", "ae_lei_cou_code", "ae_commercial_name",
				"ae_address", "ae_website", "ae_website_platform", "ac_authorisationNotificationDate", "ac_authorisationEndDate",
				"ac_serviceCode", "ac_serviceCode_cou", "ac_comments", "ac_lastupdate"),
		},
		"us-cisa-kev": {
			Parse: register.Parse{Format: register.FormatCSV}, Key: []string{"cveID"},
			Fields: named("cveID", "vendorProject", "product", "vulnerabilityName", "dateAdded", "shortDescription", "requiredAction",
				"dueDate", "knownRansomwareCampaignUse", "notes", "cwes"),
		},
		"ee-emta-blocked": {
			Parse: register.Parse{Format: register.FormatText}, Key: []string{"domain"},
			Fields: []register.Field{{Name: "domain", Type: register.TypeDomain, From: from("line")}},
		},
		"us-state-cuba-restricted": {
			Parse: register.Parse{Format: register.FormatHTML, Rows: `p:has(strong:contains("Ministries")) ~ p:not(:has(strong))`},
			Key:   []string{"name"}, Fields: []register.Field{{Name: "name", From: from(".")}},
		},
	}
}

func czDefinition() register.Definition {
	date := func(name, column string) register.Field {
		return register.Field{Name: name, From: from(column), Type: register.TypeDate, Layout: "02.01.2006"}
	}
	return register.Definition{
		Fetch: register.Fetch{Encoding: "windows-1250"},
		Parse: register.Parse{Format: register.FormatCSV, Delimiter: ";"},
		Fields: []register.Field{
			{Name: "category", From: from("Objekt blokace"), Map: map[string]string{"Internetová stránka": "site", "Aplikace": "app", "Platební účet": "account"}},
			{Name: "domain", From: from("Adresa internetové stránky"), Type: register.TypeDomain},
			{Name: "name", From: from("Název aplikace")},
			{Name: "app_id", From: from("Identifikátor aplikace", "Identifikátor aplikace; umístění aplikace")},
			{Name: "account", From: from("Jedinečný identifikátor platebního účtu")},
			{Name: "reason", From: from("Důvody zápisu na Seznam")},
			date("listed_on", "Datum zápisu a zveřejnění na Seznamu"),
			date("delisted_on", "Datum výmazu a zveřejnění na Seznamu"),
		},
		Key:         []string{"category", "domain", "name", "app_id", "account"},
		ListedWhile: `delisted_on == ""`,
	}
}

func from(names ...string) []register.Source {
	var sources []register.Source
	for _, name := range names {
		sources = append(sources, register.Source{Name: name})
	}
	return sources
}

// named declares text fields that are named as their columns are.
func named(columns ...string) []register.Field {
	var fields []register.Field
	for _, column := range columns {
		fields = append(fields, register.Field{Name: column, From: from(column)})
	}
	return fields
}

func unpack(t testing.TB, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func mustReader(t testing.TB, def register.Definition) *Reader {
	t.Helper()
	r, errs := NewReader(def)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return r
}

// readBodies reads bodies as the pages of one fetch. Change, if not nil, makes
// each page other than a saved file.
func readBodies(t testing.TB, def register.Definition, health register.Health, change func(*register.Page), bodies ...[]byte) (register.Snapshot, register.Proof) {
	t.Helper()
	var pages []register.Page
	byHash := map[string][]byte{}
	for i, body := range bodies {
		page := register.Page{
			URL: fmt.Sprintf("https://example.org/%d", i+1), SHA256: fmt.Sprintf("%x", body), Bytes: int64(len(body)),
			Framing: register.FramedFile, EndsWithNewline: bytes.HasSuffix(body, []byte("\n")),
		}
		if change != nil {
			change(&page)
		}
		byHash[page.SHA256] = body
		pages = append(pages, page)
	}
	snapshot, proof, err := mustReader(t, def).Read(t.Context(), pages, func(sha256 string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(byHash[sha256])), nil
	}, health)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot, proof
}

func healthOf(s register.Snapshot, body []byte) register.Health {
	return register.Health{
		Known: true, Shape: s.Shape, Entries: len(s.Entries), Pages: 1, EndsWithNewline: bytes.HasSuffix(body, []byte("\n")),
		RepairRate: float64(s.Counts.Repaired) / float64(max(s.Counts.Chars, 1)),
	}
}

// verdict says in one line what a proof came to.
func verdict(p register.Proof) string {
	if c := p.Failed(); c != nil {
		return fmt.Sprintf("failed %s, %s: %s", c.Name, c.Class, c.Detail)
	}
	if c := p.Lacking(); c != nil {
		return fmt.Sprintf("partial %s: %s", c.Name, c.Detail)
	}
	return "complete"
}

func TestSeries(t *testing.T) {
	for id, def := range series() {
		t.Run(id, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata", id, "*.gz"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no versions: %v", err)
			}
			var got strings.Builder
			var health register.Health
			for _, file := range files {
				body := unpack(t, file)
				s, proof := readBodies(t, def, health, nil, body)
				if proof.Complete() {
					health = healthOf(s, body)
				}
				c := s.Counts
				fmt.Fprintf(&got, "%s listed %d delisted %d rows %d blank %d repeated %d repaired %d odd %v unread %q %s\n",
					strings.TrimSuffix(filepath.Base(file), ".gz"), len(s.Entries), len(s.Delisted), c.Rows, c.Blank, c.Repeated, c.Repaired, c.Odd, s.Shape.Unread, verdict(proof))
			}
			golden(t, filepath.Join("testdata", id+".golden"), got.String())
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("not as in %s (-want +got):\n%s", file, diff)
	}
}

// identities gives key and content of every entry, sorted.
func identities(entries []register.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, string(e.Key)+" "+e.Content.String())
	}
	slices.Sort(all)
	return all
}

// The column that is renamed on the day when the first apps are listed must not
// change a single entry.
func TestFirstApps(t *testing.T) {
	read := func(version string) []register.Entry {
		body := unpack(t, filepath.Join("testdata", "cz-mf-blocklist", version+".csv.gz"))
		s, proof := readBodies(t, czDefinition(), register.Health{}, nil, body)
		if !proof.Complete() {
			t.Fatal(verdict(proof))
		}
		return slices.Concat(s.Entries, s.Delisted)
	}
	before, after := read("2025-12-16T022655Z"), read("2025-12-23T022729Z")
	old := identities(before)
	var apps []string
	added := 0
	for _, e := range after {
		if _, known := slices.BinarySearch(old, string(e.Key)+" "+e.Content.String()); known {
			continue
		}
		added++
		if e.Fields.Get("category") == "app" {
			apps = append(apps, e.Fields.Get("name"))
		}
	}
	if added != 27 || len(apps) != 5 || len(after)-len(before) != 27 {
		t.Errorf("%d entries are new, of %d more; apps %q; want 27, 27 and five apps", added, len(after)-len(before), apps)
	}
	if !slices.Contains(apps, "Wishwin Casino") {
		t.Errorf("apps %q: want Wishwin Casino among them", apps)
	}
}

// Two versions of a page that differ in markup only have the same entries.
func TestMarkupOnly(t *testing.T) {
	def := series()["us-state-cuba-restricted"]
	var versions [][]string
	for _, version := range []string{"2026-06-19T165154Z", "2026-06-19T170240Z"} {
		s, _ := readBodies(t, def, register.Health{}, nil, unpack(t, filepath.Join("testdata", "us-state-cuba-restricted", version+".html.gz")))
		versions = append(versions, identities(s.Entries))
	}
	if diff := cmp.Diff(versions[0], versions[1]); diff != "" || len(versions[0]) != 238 {
		t.Errorf("%d entries, which differ:\n%s", len(versions[0]), diff)
	}
}
