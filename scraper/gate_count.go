package scraper

import (
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"github.com/regwatch/regwatch/register"
)

// checkLastRow: did the text end behind a row, or inside one?
func checkLastRow(e evidence) register.Check {
	const name = register.CheckLastRow
	for i, p := range e.pages {
		if p.cut > 0 {
			return lack(name, register.ClassCut, "%sthe last row (line %d) is not whole, and was left out", e.of(i), p.cutLine)
		}
	}
	last := e.pages[len(e.pages)-1]
	switch {
	case !register.OfLines(e.def.Parse.Format):
		return pass(name, "the last row is closed")
	case last.newline:
		return pass(name, "the text ends with a line end")
	case e.health.Known && e.health.EndsWithNewline:
		return lack(name, register.ClassCut, "the text does not end with a line end, as it did the last time")
	case !framedByItself(last.Page) && endSentinel(e.def, last) == "":
		return lack(name, register.ClassCut, "the text does not end with a line end, and nothing else shows that it is whole")
	case e.health.Known:
		return pass(name, "the text ends without a line end, as it did the last time")
	}
	return pass(name, "the text ends without a line end, where its frame ends too")
}

// checkPages: does every page hold rows, and is none there twice? Where pages
// are counted, the first without rows is how their end is known.
func checkPages(e evidence) register.Check {
	const name = register.CheckPages
	for i, p := range e.pages {
		if p.Drift != "" {
			return lack(name, register.ClassDrift, "%sthe pages moved while they were read: %s", e.of(i), p.Drift)
		}
	}
	for i, p := range e.pages {
		if p.PagingEnded != "" {
			return lack(name, register.ClassCut, "%sno page was asked for after it: %s", e.of(i), p.PagingEnded)
		}
	}
	if len(e.pages) == 1 {
		return pass(name, "one page")
	}
	counted := e.def.Fetch.Pages != nil && e.def.Fetch.Pages.Param != ""
	seen := map[xxh3.Uint128]int{}
	for i, p := range e.pages {
		if p.filled == 0 && (!counted || i < len(e.pages)-1) {
			return lack(name, register.ClassEmpty, "%sit holds no rows", e.of(i))
		}
		if first, repeated := seen[p.contents]; repeated && p.filled > 0 {
			return lack(name, register.ClassDrift, "%sit is page %d once more", e.of(i), first+1)
		}
		seen[p.contents] = i
	}
	return pass(name, "%d pages, each with rows of its own%s", len(e.pages), crawledAgain(e.pages))
}

func crawledAgain(pages []pageReading) string {
	for _, p := range pages {
		if p.CrawledAgain != "" {
			return "; they were asked for a second time, because " + p.CrawledAgain
		}
	}
	return ""
}

// checkCount: as many entries as the register says of itself, and as the
// operator expects.
func checkCount(e evidence) register.Check {
	const name = register.CheckCount
	bounds := e.def.Expect.Entries
	n := e.snapshot.Len() + len(e.snapshot.Delisted)
	if n == 0 && (bounds.Min == nil || *bounds.Min > 0) {
		if other := e.otherLanguage(); other != "" {
			return fail(name, register.ClassLanguage, "there is not a single entry%s", other)
		}
		return fail(name, register.ClassEmpty, "there is not a single entry%s", blankWords(e.snapshot.Counts))
	}
	if e.def.Expect.Total != "" {
		if c := checkTotal(e); c.Verdict != register.Pass {
			return c
		}
	}
	switch {
	case bounds.Min != nil && n < *bounds.Min:
		return lack(name, register.ClassCount, "%d entries are fewer than the %d expected at least (expect.entries.min)", n, *bounds.Min)
	case bounds.Max != nil && n > *bounds.Max:
		return lack(name, register.ClassCount, "%d entries are more than the %d expected at most (expect.entries.max)", n, *bounds.Max)
	}
	return pass(name, "%d entries", n)
}

func blankWords(counts register.ReadCounts) string {
	if counts.Blank == 0 {
		return ""
	}
	return ", and " + strconv.Itoa(counts.Blank) + " rows in which no declared field holds anything"
}

// checkTotal compares the total that the pages declare with the rows they hold.
func checkTotal(e evidence) register.Check {
	const name = register.CheckCount
	first, ok := declaredTotal(e.pages[0].Total)
	if !ok {
		return lack(name, register.ClassCount, "no total was found where expect.total says; there stands %q", e.pages[0].Total)
	}
	for i, p := range e.pages[1:] {
		if total, ok := declaredTotal(p.Total); ok && total != first {
			return lack(name, register.ClassCount, "the declared total changed from %d to %d while the pages were read (page %d)", first, total, i+2)
		}
	}
	if rows := e.snapshot.Counts.Rows; rows != first {
		return lack(name, register.ClassCount, "the register says that it holds %d rows, but %d were there", first, rows)
	}
	return pass(name, "as many rows as the register says: %d", first)
}

// declaredTotal reads the first number in a text, whose digits may be in groups:
// "1,234 results", "celkem 1 234".
func declaredTotal(text string) (int, bool) {
	var digits strings.Builder
	gap := 0
	for _, char := range text {
		switch {
		case char >= '0' && char <= '9':
			digits.WriteRune(char)
			gap = 0
		case digits.Len() > 0 && gap == 0 && strings.ContainsRune(",.' \u00a0\u202f’", char):
			gap++
		case digits.Len() > 0:
			n, err := strconv.Atoi(digits.String())
			return n, err == nil
		}
	}
	n, err := strconv.Atoi(digits.String())
	return n, err == nil
}
