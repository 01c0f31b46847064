package format

import (
	"strings"

	"golang.org/x/net/html"
)

// textOf gives the text of elements as a reader of the page sees it: white space
// folded, a line break where the page has one, scripts and comments left out.
func textOf(nodes ...*html.Node) string {
	var w htmlText
	for _, node := range nodes {
		w.node(node)
		w.gap("\n")
	}
	return w.text.String()
}

// htmlText collects text; the gap before the next word is decided when it comes.
type htmlText struct {
	text    strings.Builder
	pending string
}

func (w *htmlText) gap(kind string) {
	if w.text.Len() > 0 && w.pending != "\n" {
		w.pending = kind
	}
}

func (w *htmlText) node(node *html.Node) {
	switch node.Type {
	case html.TextNode:
		w.words(node.Data)
	case html.ElementNode:
		switch node.Data {
		case "script", "style", "template", "noscript":
			return
		}
		block := breaksLine(node.Data)
		if block {
			w.gap("\n")
		}
		for child := node.FirstChild; child != nil; child = child.NextSibling {
			w.node(child)
		}
		if block {
			w.gap("\n")
		}
	}
}

// words adds text with its white space folded; a no-break space is a character
// like any other here, as in a browser.
func (w *htmlText) words(text string) {
	const blanks = " \t\n\r\f"
	for text != "" {
		at := strings.IndexAny(text, blanks)
		if at == 0 {
			w.gap(" ")
			text = strings.TrimLeft(text, blanks)
			continue
		}
		word := text
		if at > 0 {
			word = text[:at]
		}
		w.text.WriteString(w.pending)
		w.pending = ""
		w.text.WriteString(word)
		text = text[len(word):]
	}
}

// breaksLine reports whether an element stands on lines of its own.
func breaksLine(name string) bool {
	switch name {
	case "br", "p", "div", "li", "ul", "ol", "tr", "td", "th", "table", "dt", "dd", "dl", "h1", "h2", "h3", "h4", "h5", "h6",
		"section", "article", "blockquote", "pre", "hr", "address", "caption":
		return true
	}
	return false
}
