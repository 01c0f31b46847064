// Package format turns the bytes of a page into rows: one file per format, each
// a [Reader] made by [New] from a definition's `parse` and `fields`.
//
// It promises: rows come in page order, one cell per declared field, with the
// text as published (markup and quoting taken off, nothing else); whatever the
// bytes are, an answer or a *[register.Failure] with the line, never a panic and
// never silence: input that can not be read to its end is an error, or its last
// row is marked as cut. What a field reads is decided by the definition alone.
// Nothing is fetched: external entities, documents and modules do not exist here.
//
// It does not promise that the rows mean anything: types, keys and the judgement
// of whether the page is the right one and whole belong to package scraper. Input
// is UTF-8; package scraper decodes before.
package format
