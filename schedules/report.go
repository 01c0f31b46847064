package schedules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// report collects what is wrong with one file. Of errors at one place only the
// first is kept: what follows from it would only confuse. While shaping, an
// error also covers what lies inside.
type report struct {
	file    string
	root    *node // nil until the file was read
	errors  Errors
	shaping bool
	covered map[string]bool // path → whether what lies inside is covered too
}

// add reports an error at a node's value.
func (r *report) add(at *node, path []string, message, hint string) {
	r.addPath(at.line, at.column, path, message, hint)
}

// addName reports an error at the name of a member.
func (r *report) addName(at *node, path []string, message, hint string) {
	r.addPath(at.nameLine, at.nameCol, path, message, hint)
}

// addAt reports an error where there is no node.
func (r *report) addAt(line, column int, path, message, hint string) {
	r.errors = append(r.errors, Error{
		File: r.file, Line: line, Column: column, Path: path, Message: oneLine(message), Hint: oneLine(hint),
	})
}

func (r *report) addPath(line, column int, path []string, message, hint string) {
	if r.covers(path) {
		return
	}
	if r.covered == nil {
		r.covered = map[string]bool{}
	}
	r.covered[pathText(path)] = r.shaping && len(path) > 0
	r.addAt(line, column, pathText(path), message, hint)
}

// addField reports an error of a check, finding its place in the file.
func (r *report) addField(e register.FieldError) {
	path := pathTokens(e.Path)
	at, whole := r.root.find(path)
	if whole {
		r.add(at, path, e.Message, e.Hint)
		return
	}
	r.addName(at, path, e.Message, e.Hint)
}

// covers reports whether nothing more is to be said of a place.
func (r *report) covers(path []string) bool {
	for i := range path {
		if r.covered[pathText(path[:i])] {
			return true
		}
	}
	_, known := r.covered[pathText(path)]
	return known && len(path) > 0
}

// plainName is a name that needs no quotes in a path.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// pathText writes a path as people read it: `fields.name.from[1]`.
func pathText(path []string) string {
	var b strings.Builder
	for i, token := range path {
		switch {
		case token != "" && strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case !plainName.MatchString(token):
			b.WriteString("[" + strconv.Quote(token) + "]")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(token)
		}
	}
	return b.String()
}

// pathTokens reads what pathText writes, save quoted names.
func pathTokens(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// nameText shows a name that somebody wrote, whatever characters it holds.
func nameText(name string) string {
	if plainName.MatchString(name) {
		return "`" + name + "`"
	}
	return shortened(name)
}

// quoted puts names between backquotes, for a message.
func quoted(names []string) string {
	return "`" + strings.Join(names, "`, `") + "`"
}

// shortened keeps a published value from filling the screen.
func shortened(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
