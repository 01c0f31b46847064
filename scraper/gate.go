package scraper

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// evidence is what gate 1 judges: the pages of one fetch as they were read.
type evidence struct {
	def      register.Definition
	health   register.Health
	pages    []pageReading
	snapshot register.Snapshot
	naming   naming
}

// proof makes the checks of gate 1 in their order, and ends with the first that
// fails: behind it there is nothing left to prove.
func (e evidence) proof() register.Proof {
	var proof register.Proof
	for _, check := range []func(evidence) register.Check{
		checkFraming, checkCap, checkRightThing, checkDecodes, checkShape, checkLastRow, checkPages, checkCount,
	} {
		proof = append(proof, check(e))
		if proof.Failed() != nil {
			break
		}
	}
	return proof
}

func pass(name, detail string, args ...any) register.Check {
	return register.Check{Name: name, Verdict: register.Pass, Detail: fmt.Sprintf(detail, args...)}
}

func lack(name, class, detail string, args ...any) register.Check {
	return register.Check{Name: name, Verdict: register.Lack, Class: class, Detail: fmt.Sprintf(detail, args...)}
}

func fail(name, class, detail string, args ...any) register.Check {
	return register.Check{Name: name, Verdict: register.Fail, Class: class, Detail: fmt.Sprintf(detail, args...)}
}

// of names a page where there are several.
func (e evidence) of(i int) string {
	if len(e.pages) < 2 {
		return ""
	}
	return fmt.Sprintf("page %d of %d (%s): ", i+1, len(e.pages), e.pages[i].URL)
}

// checkFraming: was the end of each body seen? A closed connection proves
// nothing; then the text must show its own end.
func checkFraming(e evidence) register.Check {
	const name = register.CheckFraming
	var how []string
	for i, p := range e.pages {
		if p.Framing == register.FramedCut {
			return lack(name, register.ClassCut, "%sthe body was cut off after %d bytes, before the end that was announced", e.of(i), p.Bytes)
		}
		if s := e.def.Expect.Sentinel; s != "" && p.instead == nil && !strings.Contains(p.tail, s) {
			return lack(name, register.ClassCut, "%sits end does not hold %q (expect.sentinel)", e.of(i), s)
		}
		if framedByItself(p.Page) {
			how = append(how, framingWords(p.Page))
			continue
		}
		end := endSentinel(e.def, p)
		if end == "" {
			return lack(name, register.ClassCut, "%sthe connection was closed without saying where the body ends, and nothing at its end shows that it is whole", e.of(i))
		}
		how = append(how, "it ends with "+end)
	}
	return pass(name, "%s", strings.Join(slices.Compact(how), "; "))
}

// framedByItself reports whether the transport, or the file, said where the body
// ends.
func framedByItself(p register.Page) bool {
	switch p.Framing {
	case register.FramedLength, register.FramedChunks, register.FramedFile, register.FramedTwice:
		return true
	case "":
		return p.Status == 0
	}
	return false
}

func framingWords(p register.Page) string {
	switch p.Framing {
	case register.FramedLength:
		return "as many bytes came as were announced"
	case register.FramedChunks:
		return "the end of the stream was seen"
	case register.FramedTwice:
		return "the connection was closed without saying where the body ends, but a second fetch brought the same bytes"
	}
	return "a saved file, framed by its length"
}

// endSentinel names what at the end of a text shows that it is whole; "" for
// nothing.
func endSentinel(def register.Definition, p pageReading) string {
	if s := def.Expect.Sentinel; s != "" && strings.Contains(p.tail, s) {
		return strconv.Quote(s)
	}
	switch {
	case p.broken != nil || p.instead != nil:
		return ""
	case def.Parse.Format == register.FormatHTML && strings.Contains(strings.ToLower(p.tail), "</html>"):
		return "</html>"
	case def.Parse.Format == register.FormatXML:
		return "the closing tag of its root"
	case def.Parse.Format == register.FormatJSON:
		return "its last bracket"
	}
	return ""
}

// lastRowDoubtful reports whether a page may have ended inside its last row.
func lastRowDoubtful(def register.Definition, p pageReading, health register.Health, lastPage bool) bool {
	open := !framedByItself(p.Page) && (p.Framing == register.FramedCut || endSentinel(def, p) == "")
	switch {
	case register.OfLines(def.Parse.Format):
		// A server that breaks off at the same place twice shows equal bytes too.
		open = open || p.Framing == register.FramedTwice && endSentinel(def, p) == ""
		return !p.newline && (open || lastPage && health.Known && health.EndsWithNewline)
	case def.Parse.Format == register.FormatHTML:
		return open
	}
	return false // JSON and XML that end inside a row can not be read at all
}

// checkCap: a body at the limit would have been cut there.
func checkCap(e evidence) register.Check {
	const name = register.CheckCap
	limit := e.def.Fetch.SizeLimit()
	var total int64
	for i, p := range e.pages {
		if p.Bytes > limit {
			return fail(name, register.ClassTooLarge, "%s%d bytes are more than fetch.max_bytes allows (%d)", e.of(i), p.Bytes, limit)
		}
		total += p.Bytes
	}
	return pass(name, "%d bytes, the limit being %d", total, limit)
}

// checkRightThing: is it the register, and not something in its place?
func checkRightThing(e evidence) register.Check {
	const name = register.CheckRightThing
	for i, p := range e.pages {
		if p.instead != nil {
			return fail(name, p.instead.Class, "%s%s", e.of(i), p.instead.Err)
		}
		if p.filled > 0 && !e.shrunk() {
			continue
		}
		if excuse := excuseOf(e.def.Parse.Format, p.head); excuse.words != "" {
			return fail(name, excuse.class, "%s%s came in place of the register", e.of(i), excuse.words)
		}
	}
	return pass(name, "%s", thingWords(e.def.Parse.Format, e.pages[0].Page))
}

// shrunk reports whether so much is gone that a page which calls itself an error
// or a login is believed, although something on it looks like rows.
func (e evidence) shrunk() bool {
	return e.health.Known && 2*(e.snapshot.Len()+len(e.snapshot.Delisted)) < e.health.Entries
}

// Thresholds of U+FFFD per character: regulators publish some themselves.
const (
	maxRepairRate   = 0.001
	repairRateSlack = 2.0 // times the last complete fetch's
)

// checkDecodes: does the text decode, in the encoding that it should be in?
func checkDecodes(e evidence) register.Check {
	const name = register.CheckDecodes
	for i, p := range e.pages {
		if p.mislabeled {
			return fail(name, register.ClassUndecodable, "%sfetch.encoding says %s, but the bytes are utf-8", e.of(i), p.encoding.name)
		}
	}
	counts, encoding := e.snapshot.Counts, e.pages[0].encoding
	if counts.Chars == 0 {
		return pass(name, "%s", encoding)
	}
	rate := float64(counts.Repaired) / float64(counts.Chars)
	limit := max(maxRepairRate, repairRateSlack*e.health.RepairRate)
	if rate > limit {
		hint := ""
		if encoding.guessed {
			hint = "; say what it is in fetch.encoding"
		}
		return fail(name, register.ClassUndecodable, "%d of %d characters are not in the encoding %s%s; at most %.2g %% may be%s",
			counts.Repaired, counts.Chars, encoding, repairedRows(counts), 100*limit, hint)
	}
	if counts.Repaired > 0 || counts.RepairedRows > 0 {
		return pass(name, "%s; %d of %d characters are U+FFFD%s", encoding, counts.Repaired, counts.Chars, repairedRows(counts))
	}
	return pass(name, "%s", encoding)
}

// repairedRows names the rows in which a character did not decode.
func repairedRows(counts register.ReadCounts) string {
	if counts.RepairedRows == 0 {
		return ""
	}
	lines := make([]string, len(counts.RepairedAt))
	for i, line := range counts.RepairedAt {
		lines[i] = strconv.Itoa(line)
	}
	if counts.RepairedRows > len(lines) {
		lines = append(lines, "…")
	}
	rows := "rows"
	if counts.RepairedRows == 1 {
		rows = "row"
	}
	return fmt.Sprintf(", in %d %s (%s)", counts.RepairedRows, rows, strings.Join(lines, ", "))
}

// checkShape: could it be read, and is every declared column there?
//
// Lines of text that are of another form than before may be entries, so that
// their absence says nothing; a few are headings and notes.
func checkShape(e evidence) register.Check {
	const name = register.CheckShape
	for i, p := range e.pages {
		if p.broken == nil {
			continue
		}
		class := p.broken.Class
		if p.Framing == register.FramedCut {
			class = register.ClassCut
		}
		return fail(name, class, "%s%s", e.of(i), withHint(p.broken))
	}
	shape := e.snapshot.Shape
	if len(shape.Missing) > 0 {
		class, other := register.ClassShape, e.otherLanguage()
		if other != "" {
			class = register.ClassLanguage
		}
		return fail(name, class, "%s%s", missingWords(e.def, shape), other)
	}
	if e.naming.nothing(e.snapshot.Again.Entries) {
		return fail(name, register.ClassShape, "%s", e.namingWords())
	}
	if e.tableGone() {
		return lack(name, register.ClassShape, "there is neither a row nor a table with the header of the last complete fetch (%s): nothing shows that the register is empty",
			quoted(e.health.Shape.Columns))
	}
	counts := e.snapshot.Counts
	if e.health.Known && counts.Unmatched > e.health.Unmatched+max(fewUnmatched, counts.Rows/100) {
		return lack(name, register.ClassShape, "parse.rows does not match %d lines, at the last complete fetch it was %d: entries may stand there in another form",
			counts.Unmatched, e.health.Unmatched)
	}
	if counts.Unmatched > 0 {
		return pass(name, "%d lines are left out because parse.rows does not match them", counts.Unmatched)
	}
	if len(shape.Unread) > 0 {
		return pass(name, "every declared column is there; not read: %s", quoted(shape.Unread))
	}
	return pass(name, "every declared column is there")
}

func withHint(f *register.Failure) string {
	if f.Hint == "" {
		return f.Error()
	}
	return f.Error() + " (" + f.Hint + ")"
}

// tableGone reports whether a web page without rows has lost the table in which
// they stood, too: a register that is empty keeps its header.
func (e evidence) tableGone() bool {
	isThere := func(column string) bool { return slices.Contains(e.snapshot.Shape.Columns, column) }
	before := e.health.Shape.Columns
	return e.def.Parse.Format == register.FormatHTML && e.snapshot.Counts.Rows == 0 && e.health.Known && len(before) > 0 && !slices.ContainsFunc(before, isThere)
}

// fewUnmatched lines more than the last time that parse.rows does not match are
// no other form of the list; nor is a hundredth of its rows.
const fewUnmatched = 3

// missingWords names the columns that are not there, as the register names them,
// and those that are there and unknown: they may be the same under a new name.
func missingWords(def register.Definition, shape register.Shape) string {
	var missing []string
	for _, name := range shape.Missing {
		field, _ := def.Field(name)
		missing = append(missing, columnWords(field))
	}
	text := fmt.Sprintf("%d of %d declared columns are not there: %s", len(missing), len(def.Fields), strings.Join(missing, ", "))
	if len(missing) == 1 {
		text = fmt.Sprintf("a declared column is not there: %s", missing[0])
	}
	if len(shape.Unread) > 0 {
		text += "; unknown columns are there: " + quoted(shape.Unread)
	}
	return text
}

// columnWords names a field's column: `"Objekt blokace" (category)`.
func columnWords(field register.Field) string {
	var names []string
	for _, source := range field.From {
		if source.ByIndex {
			names = append(names, fmt.Sprintf("number %d", source.Index))
		} else {
			names = append(names, strconv.Quote(source.Name))
		}
	}
	if len(names) == 0 {
		return strconv.Quote(field.Name)
	}
	return strings.Join(names, " or ") + " (" + field.Name + ")"
}

// quoted lists names, a dozen at most.
func quoted(names []string) string {
	const most, longest = 12, 200
	var list []string
	for i, name := range names {
		if i == most {
			list = append(list, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		if len(name) > longest {
			name = strings.ToValidUTF8(name[:longest], "") + "…"
		}
		list = append(list, strconv.Quote(name))
	}
	return strings.Join(list, ", ")
}
