package schedules_test

import (
	"testing"

	"github.com/regwatch/regwatch/schedules"
)

func TestCatalogueIsWhole(t *testing.T) {
	t.Parallel()
	sources, err := schedules.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := schedules.Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, d := range definitions {
		known[d.ID] = true
		if want := "catalogue/" + d.ID[:2] + "/" + d.ID + ".yaml"; d.File != want {
			t.Errorf("%s is in %s, want %s", d.ID, d.File, want)
		}
		if d.About == "" || d.License == "" || d.Authority.URL == "" || len(d.Topics) == 0 {
			t.Errorf("%s does not say what it is, or under which licence", d.ID)
		}
		if d.Schedule.Timezone == "" || d.Schedule.Jitter == 0 {
			t.Errorf("%s has no time zone or no jitter", d.ID)
		}
		if d.Expect.Entries.Min == nil {
			t.Errorf("%s does not say how many entries are too few", d.ID)
		}
		if d.Fetch.AllowPrivate {
			t.Errorf("%s allows private addresses", d.ID)
		}
	}
	for _, id := range []string{"cz-mf-blocklist", "eu-esma-mica-casp", "us-cisa-kev", "ee-emta-blocked", "us-state-cuba-restricted"} {
		if !known[id] {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}
