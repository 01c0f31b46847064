package scraper

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"

	"github.com/regwatch/regwatch/register"
	"github.com/regwatch/regwatch/scraper/format"
)

// fieldValue makes values of the cells of one field.
type fieldValue struct {
	field register.Field
	strip *regexp.Regexp
	zone  *time.Location
	shown map[string]string // by normalised typed value; nil: no map
}

// newFieldValue compiles what a field says of its values.
func newFieldValue(field register.Field, zone *time.Location) (*fieldValue, []register.FieldError) {
	v := &fieldValue{field: field, zone: zone}
	var errs []register.FieldError
	wrong := func(part, message, hint string) {
		errs = append(errs, register.FieldError{Path: "fields." + field.Name + "." + part, Message: message, Hint: hint})
	}
	if field.Strip != "" {
		var err error
		if v.strip, err = regexp.Compile(field.Strip); err != nil {
			wrong("strip", "is not a regular expression: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "the syntax is RE2")
		} else if v.strip.MatchString("") && v.strip.ReplaceAllString("a b", "") == "" {
			wrong("strip", "takes off everything", "")
		}
	}
	isDate := field.Type == register.TypeDate || field.Type == register.TypeDatetime
	switch {
	case field.Layout == "":
	case !isDate:
		wrong("layout", "means nothing for "+typeName(field), "it belongs to date and datetime")
	case !isLayout(field.Layout):
		wrong("layout", fmt.Sprintf("%q does not hold a day, a month and a year", field.Layout), `write how 2 January 2006 would stand there, such as "02.01.2006"`)
	}
	if field.Sep != "" && field.Type != register.TypeList {
		wrong("sep", "means nothing for "+typeName(field), "it belongs to list")
	}
	switch typeName(field) {
	case register.TypeText, register.TypeDate, register.TypeDatetime, register.TypeDomain, register.TypeURL, register.TypeNumber, register.TypeList:
	default:
		wrong("type", fmt.Sprintf("unknown type %q", field.Type), "one of text, date, datetime, domain, url, number, list")
	}
	if len(field.Map) > 0 {
		v.shown = make(map[string]string, len(field.Map))
		for published, shown := range field.Map {
			v.shown[register.Normalize(published)] = shown
		}
	}
	return v, errs
}

func typeName(field register.Field) string {
	if field.Type == "" {
		return register.TypeText
	}
	return field.Type
}

// isLayout reports whether a Go layout holds a whole date.
func isLayout(layout string) bool {
	date := time.Date(2017, time.November, 23, 0, 0, 0, 0, time.UTC)
	parsed, err := time.Parse(layout, date.Format(layout))
	return err == nil && parsed.Year() == 2017 && parsed.YearDay() == date.YearDay()
}

// value gives a cell's value after its type, which keys are made of, and as it
// is shown, after its map. Odd: it is not in the map, or not of its type, and
// stays as published.
func (v *fieldValue) value(cell format.Cell) (typed, shown string, odd bool) {
	if cell.Empty() {
		return "", "", false
	}
	if v.field.Type == register.TypeList {
		return v.list(cell)
	}
	text := v.clean(cell.Text)
	for _, repeat := range cell.More {
		if more := v.clean(repeat); more != "" {
			text = strings.TrimSpace(text + " " + more)
		}
	}
	if !visible(text) {
		return "", "", false
	}
	typed, ok := v.typed(text)
	if v.shown == nil {
		return typed, typed, !ok
	}
	shown, mapped := v.shown[register.Normalize(typed)]
	if !mapped {
		shown = typed
	}
	return typed, shown, !ok || !mapped
}

// clean takes decorations off, and makes one line of what was published. A text
// in which something is looked for is normalised before: neither a date nor a
// decoration is another because of a character that nobody sees.
func (v *fieldValue) clean(text string) string {
	if v.isText() && v.strip == nil {
		return oneLine(text)
	}
	text = register.Normalize(text)
	if v.strip != nil && text != "" {
		text = strings.TrimSpace(v.strip.ReplaceAllString(text, ""))
	}
	return text
}

// isText reports whether values are shown as they were published.
func (v *fieldValue) isText() bool {
	return typeName(v.field) == register.TypeText || v.field.Type == register.TypeList
}

// visible reports whether a text shows anything.
func visible(text string) bool {
	return strings.ContainsFunc(text, func(char rune) bool { return unicode.IsGraphic(char) && !unicode.IsSpace(char) })
}

// oneLine trims, and puts a blank in place of each run of control characters.
func oneLine(text string) string {
	text = strings.TrimSpace(text)
	if strings.IndexFunc(text, unicode.IsControl) < 0 {
		return text
	}
	var b strings.Builder
	control := false
	for _, char := range text {
		if unicode.IsControl(char) {
			control = true
			continue
		}
		if control {
			b.WriteByte(' ')
			control = false
		}
		b.WriteRune(char)
	}
	return strings.TrimSpace(b.String())
}

// typed gives the canonical form of a value of the field's type; a text that is
// no such value comes back as it is.
func (v *fieldValue) typed(text string) (string, bool) {
	switch v.field.Type {
	case register.TypeDate:
		return dateValue(text, v.field.Layout)
	case register.TypeDatetime:
		return datetimeValue(text, v.field.Layout, v.zone)
	case register.TypeDomain:
		return domainValue(text)
	case register.TypeURL:
		return urlValue(text)
	case register.TypeNumber:
		return numberValue(text)
	}
	return text, true
}

var partialDate = regexp.MustCompile(`^[0-9]{4}(-(0[1-9]|1[0-2]))?$`)

// dateValue gives a date as 2006-01-02. A year or a month alone stays.
func dateValue(text, layout string) (string, bool) {
	if layout == "" {
		layout = time.DateOnly
	}
	if date, err := time.Parse(layout, text); err == nil {
		if layout == time.DateOnly && len(text) == len(layout) {
			return text, true
		}
		return date.Format(time.DateOnly), true
	}
	return text, partialDate.MatchString(text)
}

// datetimeValue gives an instant in RFC 3339, in the register's own zone.
func datetimeValue(text, layout string, zone *time.Location) (string, bool) {
	if layout == "" {
		layout = time.RFC3339
	}
	instant, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		return text, false
	}
	return instant.In(zone).Format(time.RFC3339), true
}

var schemePrefix = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// schemeOf gives the scheme that a text begins with, and what parts it from the
// rest; "" where there is none.
func schemeOf(text string) string {
	if !strings.Contains(text, "://") {
		return ""
	}
	return schemePrefix.FindString(text)
}

// domainValue gives a domain in lower case and Unicode, without scheme, trailing
// slash and trailing dot. `www.` stays, and so does a path, although with one the
// text is more than a domain.
func domainValue(text string) (string, bool) {
	rest := strings.TrimRight(text[len(schemeOf(text)):], "/")
	host, path := rest, ""
	if at := strings.IndexAny(rest, "/?#:"); at >= 0 {
		host, path = rest[:at], rest[at:]
	}
	host = strings.TrimSuffix(host, ".")
	if !strings.Contains(host, ".") || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") || strings.Contains(host, "..") ||
		strings.ContainsFunc(host, notInDomain) {
		return text, false
	}
	lower := strings.ToLower(host)
	if isPlainASCII(lower) && !strings.Contains(lower, "xn--") {
		return lower + path, path == ""
	}
	if unicodeForm, err := domains.ToUnicode(lower); err == nil && unicodeForm != "" {
		lower = unicodeForm
	}
	return lower + path, path == ""
}

func notInDomain(char rune) bool {
	return unicode.IsSpace(char) || unicode.IsControl(char) || strings.ContainsRune(`,;|@()[]{}<>"'\%&=+!*`, char)
}

// domains maps as a lookup does, and takes underscores: registers list names that
// no registry would.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// urlValue gives a URL with scheme and host in lower case, and the rest as it is.
func urlValue(text string) (string, bool) {
	scheme := schemeOf(text)
	if scheme == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return text, false
	}
	rest := text[len(scheme):]
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	return strings.ToLower(scheme) + strings.ToLower(rest[:end]) + rest[end:], end > 0
}

var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// numberValue gives a number without white space and with a decimal point.
func numberValue(text string) (string, bool) {
	compact := strings.Map(func(char rune) rune {
		if unicode.IsSpace(char) {
			return -1
		}
		return char
	}, text)
	if strings.Count(compact, ",") == 1 && !strings.Contains(compact, ".") {
		compact = strings.Replace(compact, ",", ".", 1)
	}
	if !number.MatchString(compact) {
		return text, false
	}
	return compact, true
}

// list gives the items in order, each once. They are what the separator parts;
// without one, the repeats of an element and the lines of a cell.
func (v *fieldValue) list(cell format.Cell) (typed, shown string, odd bool) {
	sep := v.field.Sep
	if sep == "" {
		sep = "\n"
	}
	var items []string
	for _, text := range append([]string{cell.Text}, cell.More...) {
		for item := range strings.SplitSeq(text, sep) {
			if item = v.clean(item); visible(item) {
				items = append(items, item)
			}
		}
	}
	mapped := slices.Clone(items)
	for i, item := range items {
		if v.shown == nil {
			break
		}
		var ok bool
		if mapped[i], ok = v.shown[register.Normalize(item)]; !ok {
			mapped[i], odd = item, true
		}
	}
	return v.join(items), v.join(mapped), odd
}

func (v *fieldValue) join(items []string) string {
	byForm := func(a, b string) int { return strings.Compare(register.Normalize(a), register.Normalize(b)) }
	slices.SortFunc(items, byForm)
	items = slices.CompactFunc(items, func(a, b string) bool { return byForm(a, b) == 0 })
	if v.field.Sep == "" || v.field.Sep == "\n" {
		return strings.Join(items, "; ")
	}
	return strings.Join(items, v.field.Sep)
}
