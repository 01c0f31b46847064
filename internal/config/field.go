package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const day = 24 * time.Hour

// fieldNames are the fields of a struct as the file names them.
type fieldNames struct {
	names []string // in declared order
	index map[string]int
}

func fieldsOf(t reflect.Type) fieldNames {
	f := fieldNames{index: map[string]int{}}
	for i := range t.NumField() {
		if field := t.Field(i); field.IsExported() {
			name := snake(field.Name)
			f.names = append(f.names, name)
			f.index[name] = i
		}
	}
	return f
}

// snake writes a Go name as the file has it: PublicURL is public_url.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		upper := unicode.IsUpper(r)
		afterLower := i > 0 && unicode.IsLower(runes[i-1])
		beforeLower := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if upper && (afterLower || beforeLower) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// variable is the environment variable of a path.
func variable(path string) string {
	return "REGWATCH_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// parseDuration reads a Go duration that may also count days: "90d", "1d12h".
func parseDuration(text string) (time.Duration, error) {
	rest, days := text, time.Duration(0)
	if number, after, found := strings.Cut(text, "d"); found {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration", text)
		}
		if days = time.Duration(n) * day; after == "" {
			return days, nil
		}
		rest = after
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > math.MaxInt64-days {
		return 0, fmt.Errorf("%q is not a duration", text)
	}
	return days + d, nil
}
