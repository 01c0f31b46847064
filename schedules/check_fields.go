package schedules

import (
	"regexp"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// patternProblem gives what is wrong with a pattern, without the library's preamble.
func patternProblem(err error) string {
	return strings.TrimPrefix(oneLine(err.Error()), "error parsing regexp: ")
}

func (f *findings) fields(d register.Definition) {
	for _, field := range d.Fields {
		path := "fields." + field.Name
		f.typed(path, field)
		if field.Strip != "" {
			f.strip(path+".strip", field.Strip)
		}
	}
}

func (f *findings) typed(path string, field register.Field) {
	switch field.Type {
	case register.TypeDate, register.TypeDatetime:
		if field.Layout != "" {
			f.layout(path+".layout", field.Layout)
		}
	default:
		if field.Layout != "" {
			f.add(path+".layout", "belongs to `type: date` or `type: datetime`", "")
		}
	}
	if field.Sep != "" && field.Type != register.TypeList {
		f.add(path+".sep", "belongs to `type: list`", "")
	}
	if field.Map != nil && field.Type != "" && field.Type != register.TypeText && field.Type != register.TypeList {
		f.add(path+".map", "has no meaning for a "+field.Type, "it belongs to `type: text` or `type: list`")
	}
}

// layout checks a Go layout by writing a date with it and reading it back.
func (f *findings) layout(path, layout string) {
	day := time.Date(2021, time.November, 23, 0, 0, 0, 0, time.UTC)
	written := day.Format(layout)
	if written == layout {
		f.add(path, shortened(layout)+" holds no part of a date", "write 2 January 2006, 15:04:05, as the register would: 02.01.2006")
		return
	}
	read, err := time.Parse(layout, written)
	if err != nil {
		f.add(path, shortened(layout)+" can not be read back: it contradicts itself", "write 2 January 2006, 15:04:05, as the register would: 02.01.2006")
	} else if read.Year()%100 != 21 {
		f.add(path, shortened(layout)+" has no year", "the year is 2006, or 06")
	}
}

func (f *findings) strip(path, pattern string) {
	expression, err := regexp.Compile(pattern)
	switch {
	case err != nil:
		f.add(path, "not a regular expression: "+patternProblem(err), "")
	case expression.ReplaceAllString("Ab 1. ň", "") == "":
		f.add(path, shortened(pattern)+" takes everything off", "it should match the decoration alone")
	}
}
