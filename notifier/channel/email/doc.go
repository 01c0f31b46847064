// Package email tells people by mail: one message for each event, as text and as
// HTML, through a mail server of the operator's.
//
// It promises that no value from a register can add a header, a recipient or
// markup, that such values are shown as text and never as links, that the same
// event has the same Message-ID at every attempt, and that the password only
// travels encrypted. A refusal that the server calls permanent (5xx) is final; it
// concerns all recipients of the channel.
package email
