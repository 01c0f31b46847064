package schedules

import (
	"fmt"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// findings collects what the rules find that a schema can not say.
type findings []register.FieldError

func (f *findings) add(path, message, hint string) {
	*f = append(*f, register.FieldError{Path: path, Message: message, Hint: hint})
}

// checkDefinition applies every rule of this package to a definition, of which
// parts may be missing: those are reported already.
func checkDefinition(d register.Definition, root *node) []register.FieldError {
	var f findings
	f.identity(d)
	f.schedule(d.Schedule)
	f.fetch(d.Fetch, root.member("fetch"))
	f.fields(d)
	f.names(d)
	f.expect(d.Expect)
	return f
}

func (f *findings) identity(d register.Definition) {
	country := d.Authority.Country
	if country != "" && !isCountry(country) {
		hint := "ISO 3166-1 alpha-2 in capitals, or EU, or UN"
		switch upper := strings.ToUpper(country); {
		case isCountry(upper):
			hint = "write " + upper
		case upper == "UK":
			hint = "the United Kingdom is GB"
		}
		f.add("authority.country", fmt.Sprintf("%q is not a country", country), hint)
	} else if country != "" && d.ID != "" && !strings.HasPrefix(d.ID, strings.ToLower(country)+"-") {
		prefix := strings.ToLower(country) + "-"
		f.add("id", fmt.Sprintf("does not begin with the country, %q", prefix), "for example `"+prefix+d.ID+"`")
	}
	if d.Authority.URL != "" {
		f.address("authority.url", d.Authority.URL)
	}
}

func (f *findings) schedule(s register.Schedule) {
	if _, err := parseZone(s.Timezone); err != nil {
		f.add("schedule.timezone", err.Error(), "")
		s.Timezone = ""
	}
	if s.Cron == "" {
		return
	}
	spec, err := Parse(s.Cron, s.Timezone)
	if err != nil {
		f.add("schedule.cron", err.Error(), "")
		return
	}
	// A fixed instant, so that the same file is never right on one day and wrong on another.
	least := spec.shortest(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	if s.Jitter > 0 && least > 0 && s.Jitter >= least {
		f.add("schedule.jitter", fmt.Sprintf("%s is not less than the %s between two runs", s.Jitter, least), "")
	}
}

// names checks the lists that name declared fields.
func (f *findings) names(d register.Definition) {
	var declared []string
	for _, field := range d.Fields {
		declared = append(declared, field.Name)
	}
	if len(declared) == 0 {
		return
	}
	inKey := map[string]bool{}
	for i, name := range d.Key {
		f.declared(fmt.Sprintf("key[%d]", i), name, declared)
		inKey[name] = true
	}
	for i, name := range d.Ignore {
		path := fmt.Sprintf("ignore[%d]", i)
		f.declared(path, name, declared)
		if inKey[name] {
			f.add(path, nameText(name)+" is part of the key, which is always compared", "")
		}
	}
}

func (f *findings) declared(path, name string, declared []string) {
	for _, known := range declared {
		if known == name {
			return
		}
	}
	hint := "declared: " + strings.Join(declared, ", ")
	if near := register.Nearest(name, declared); near != "" {
		hint = "did you mean `" + near + "`?"
	}
	f.add(path, nameText(name)+" is not a declared field", hint)
}

func (f *findings) expect(e register.Expect) {
	if e.Entries.Min != nil && e.Entries.Max != nil && *e.Entries.Min > *e.Entries.Max {
		f.add("expect.entries.min", fmt.Sprintf("%d is more than max, %d", *e.Entries.Min, *e.Entries.Max), "")
	}
}
