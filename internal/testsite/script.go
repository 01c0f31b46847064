package testsite

import (
	"bufio"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Script is what a scripted regulator does, tick by tick.
//
// A script is a text file. What it does stands at the beginning of a line, and
// what belongs to it is indented:
//
//	# Row 9: a maintenance page in place of the file, for once.
//
//	let good
//		type text/csv
//		text
//			id,name
//			1,Alpha
//
//	tick baseline
//	page /list.csv good
//
//	tick failed maintenance
//	page /list.csv
//		type text/html
//		text
//			<html><title>Scheduled maintenance</title></html>
//
//	tick unchanged
//	page /list.csv good
//
// A page stays until a later tick puts another in its place. What is behind
// `tick` says what should come of it; it is for whoever plays the script, and the
// site does not read it. A first line `tls expired` gives the whole site a
// certificate of that kind; see [StartTLS]. The settings of a page are those of
// [Response].
type Script struct {
	Name  string
	About string // the comment that it begins with
	TLS   string // kind of certificate; empty: http
	Ticks []Tick
}

// Tick is what a regulator publishes at one time.
type Tick struct {
	Want  string // what should come of it, in words
	Pages []Publication
}

// Publication is one page of a tick.
type Publication struct {
	Path string // with a query, it is the page of that query alone
	Page Response
}

// Publish puts the tick's pages on a site.
func (t Tick) Publish(s *Site) {
	for _, p := range t.Pages {
		s.Publish(p.Path, p.Page.handler(s))
	}
}

//go:embed scenarios
var scenarios embed.FS

// Scenarios names the scripts that ship, in order.
func Scenarios() []string {
	files, err := fs.Glob(scenarios, "scenarios/*.txt")
	if err != nil {
		return nil // the pattern is good
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(path.Base(file), ".txt")
	}
	return names
}

// Scenario reads one of the scripts that ship.
func Scenario(name string) (Script, error) {
	text, err := scenarios.ReadFile("scenarios/" + name + ".txt")
	if err != nil {
		return Script{}, fmt.Errorf("there is no scenario %q", name)
	}
	return ParseScript(name, string(text))
}

// ParseScript reads a script. An error names the line.
func ParseScript(name, text string) (Script, error) {
	p := parser{script: Script{Name: name}, named: map[string]Response{}}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		if err := p.line(lines.Text()); err != nil {
			return Script{}, fmt.Errorf("scenario %s, line %d: %w", name, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return Script{}, fmt.Errorf("scenario %s: %w", name, err)
	}
	p.close()
	if len(p.script.Ticks) == 0 {
		return Script{}, fmt.Errorf("scenario %s: it has no tick", name)
	}
	return p.script, nil
}

// maxLine bounds a line of a script, in bytes.
const maxLine = 1 << 20

// parser reads a script line by line.
type parser struct {
	script Script
	named  map[string]Response // by `let`
	open   string              // name or path whose settings follow; empty: none do
	isPage bool
	page   Response
	text   bool // the lines of a text follow
}

func (p *parser) line(line string) error {
	indent := len(line) - len(strings.TrimLeft(line, "\t"))
	switch {
	case p.text && (indent >= 2 || line == "" && p.open != ""):
		if line != "" {
			p.page.Body = append(p.page.Body, line[2:]+"\n"...)
		}
		return nil
	case strings.TrimSpace(line) == "":
		return nil
	case strings.HasPrefix(line, "#"):
		if len(p.script.Ticks) == 0 && p.open == "" {
			p.script.About = strings.TrimSpace(p.script.About + " " + strings.TrimSpace(line[1:]))
		}
		return nil
	case indent == 1 && p.open != "":
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		p.text = word == "text"
		return p.page.set(word, strings.TrimSpace(rest), p.named)
	case indent > 0:
		return fmt.Errorf("%q belongs to nothing", strings.TrimSpace(line))
	}
	p.close()
	return p.statement(line)
}

// statement reads a line that is not indented.
func (p *parser) statement(line string) error {
	words := strings.Fields(line)
	switch {
	case words[0] == "tls" && len(words) == 2:
		p.script.TLS = words[1]
	case words[0] == "tick":
		p.script.Ticks = append(p.script.Ticks, Tick{Want: strings.TrimSpace(line[len("tick"):])})
	case words[0] == "let" && len(words) == 2:
		p.open, p.isPage, p.page = words[1], false, Response{}
	case words[0] == "page" && len(words) <= 3 && len(words) > 1:
		if len(p.script.Ticks) == 0 {
			return fmt.Errorf("page %s stands before the first tick", words[1])
		}
		p.open, p.isPage, p.page = words[1], true, Response{}
		if len(words) == 3 {
			named, ok := p.named[words[2]]
			if !ok {
				return fmt.Errorf("there is no %q above", words[2])
			}
			p.page = named.clone()
		}
	default:
		return fmt.Errorf("%q is not understood: tls, let, tick or page", line)
	}
	return nil
}

// close ends what is open.
func (p *parser) close() {
	switch {
	case p.open == "":
	case p.isPage:
		tick := &p.script.Ticks[len(p.script.Ticks)-1]
		tick.Pages = append(tick.Pages, Publication{Path: p.open, Page: p.page})
	default:
		p.named[p.open] = p.page
	}
	p.open, p.text = "", false
}

// Start begins to serve as the script's first line says. Nothing is published
// before the first tick.
func (s Script) Start() (*Site, error) {
	if s.TLS != "" {
		return StartTLS(s.TLS)
	}
	return Start()
}
