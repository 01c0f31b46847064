package notifier

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regwatch/regwatch/register"
)

// Settings reads the settings of a configured channel strictly: what is of the
// wrong type, missing, or not asked for by anybody is an error. Errors never
// repeat a value: it may be a secret in the wrong place.
type Settings struct {
	path   string
	values map[string]any
	asked  []string
	wrong  []register.FieldError
}

// NewSettings begins to read c's settings.
func NewSettings(c register.Channel) *Settings {
	return &Settings{path: "channels." + c.Name, values: c.Settings}
}

// Wrong gives everything that is wrong, after the last setting was asked for.
func (s *Settings) Wrong() []register.FieldError {
	wrong := slices.Clone(s.wrong)
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if slices.Contains(s.asked, name) {
			continue
		}
		hint := "known are " + strings.Join(s.asked, ", ")
		if near := register.Nearest(name, s.asked); near != "" {
			hint = "did you mean " + near + "?"
		} else if len(s.asked) == 0 {
			hint = "there is nothing to set"
		}
		wrong = append(wrong, register.FieldError{Path: s.path + "." + name, Message: "unknown setting", Hint: hint})
	}
	return wrong
}

// Names gives the settings that were asked for.
func (s *Settings) Names() []string { return slices.Clone(s.asked) }

// Refuse reports something wrong with a setting.
func (s *Settings) Refuse(name, message, hint string) {
	s.wrong = append(s.wrong, register.FieldError{Path: s.path + "." + name, Message: message, Hint: hint})
}

// Text reads a text; an empty default makes none of it.
func (s *Settings) Text(name, otherwise string) string {
	switch v := s.take(name).(type) {
	case nil:
		return otherwise
	case string:
		return strings.TrimSpace(v)
	case int, float64:
		return fmt.Sprint(v)
	}
	s.Refuse(name, "not a text", "")
	return otherwise
}

// Required reads a text that must be there.
func (s *Settings) Required(name, hint string) string {
	text := s.Text(name, "")
	if text == "" && !s.refused(name) {
		s.Refuse(name, "missing", hint)
	}
	return text
}

// OneOf reads one of several words; the first is the default.
func (s *Settings) OneOf(name string, words ...string) string {
	text := s.Text(name, words[0])
	if !slices.Contains(words, text) {
		s.Refuse(name, "not one of the known values", "write "+strings.Join(words, ", "))
		return words[0]
	}
	return text
}

// Flag reads true or false; the default is false.
func (s *Settings) Flag(name string) bool {
	switch v := s.take(name).(type) {
	case nil:
	case bool:
		return v
	default:
		s.Refuse(name, "neither true nor false", "")
	}
	return false
}

// Duration reads a time such as 30s, between two bounds.
func (s *Settings) Duration(name string, otherwise, least, most time.Duration) time.Duration {
	text := s.Text(name, "")
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < least || d > most {
		s.Refuse(name, fmt.Sprintf("not a duration between %s and %s", least, most), "write 30s")
		return otherwise
	}
	return d
}

// Number reads a whole number between two bounds.
func (s *Settings) Number(name string, otherwise, least, most int) int {
	text := s.Text(name, "")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		s.Refuse(name, fmt.Sprintf("not a number between %d and %d", least, most), fmt.Sprintf("write %d", otherwise))
		return otherwise
	}
	return n
}

// Texts reads a list of texts, or a single one.
func (s *Settings) Texts(name string) []string {
	switch v := s.take(name).(type) {
	case nil:
	case string:
		return []string{strings.TrimSpace(v)}
	case []any:
		var texts []string
		for i, item := range v {
			text, ok := item.(string)
			if !ok || strings.TrimSpace(text) == "" {
				s.Refuse(fmt.Sprintf("%s[%d]", name, i), "not a text", "")
				continue
			}
			texts = append(texts, strings.TrimSpace(text))
		}
		return texts
	default:
		s.Refuse(name, "not a list of texts", "")
	}
	return nil
}

// Pairs reads names with texts.
func (s *Settings) Pairs(name string) map[string]string {
	value := s.take(name)
	if value == nil {
		return nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		s.Refuse(name, "not fields with names", "write {Name: value}")
		return nil
	}
	pairs := map[string]string{}
	for key, v := range object {
		text, ok := v.(string)
		if !ok {
			s.Refuse(name+"."+key, "not a text", "put it between quotes")
			continue
		}
		pairs[key] = text
	}
	return pairs
}

// Secret reads a reference to a secret; it may be missing.
func (s *Settings) Secret(name string) string {
	text := s.Text(name, "")
	if text != "" && !IsReference(text) {
		s.refuseSecret(name)
	}
	return text
}

// Secrets reads references to secrets: a list, or a single one.
func (s *Settings) Secrets(name string) []string {
	texts := s.Texts(name)
	if slices.ContainsFunc(texts, func(text string) bool { return !IsReference(text) }) {
		s.refuseSecret(name)
	}
	return texts
}

func (s *Settings) refuseSecret(name string) {
	s.Refuse(name, "a secret is not written into the configuration", "write env:NAME or file:PATH, and put it there")
}

// IsReference reports whether text refers to a secret: env:NAME or file:PATH.
func IsReference(text string) bool {
	scheme, rest, found := strings.Cut(text, ":")
	return found && rest != "" && (scheme == "env" || scheme == "file")
}

func (s *Settings) take(name string) any {
	s.asked = append(s.asked, name)
	return s.values[name]
}

func (s *Settings) refused(name string) bool {
	return slices.ContainsFunc(s.wrong, func(e register.FieldError) bool { return e.Path == s.path+"."+name })
}
