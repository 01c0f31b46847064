package app

import "github.com/regwatch/regwatch/notifier"

// Visible writes text from outside so that it can be shown on one line of a
// terminal: control characters, terminal sequences, bidirectional and invisible
// characters and broken UTF-8 become escapes, as \u202e.
func Visible(s string) string { return notifier.Visible(s) }

// Shorten cuts text to at most so many characters, the last of them being an
// ellipsis.
func Shorten(s string, most int) string { return notifier.Shorten(s, most) }
