package email

import (
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"

	gomail "github.com/wneessen/go-mail"

	"github.com/regwatch/regwatch/notifier"
)

const maxSubject = 150 // characters

//go:embed mail.txt.tmpl mail.html.tmpl
var templates embed.FS

// letter is what the templates are filled with.
type letter struct {
	notifier.Text
	ID           string
	Subscription string
}

// message writes the mail. Values from registers are defanged: no mail program
// makes links of them.
func (e *Email) message(m notifier.Message) (*gomail.Msg, error) {
	l := letter{Text: notifier.Render(m.Event, notifier.Defang), ID: m.Event.ID, Subscription: m.Delivery.Subscription}
	if m.Test {
		l.Title = "[TEST] " + strings.TrimPrefix(l.Title, "[TEST] ")
	}
	text, html, err := l.bodies()
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(e.from)
	msg.ToMailAddress(e.to...)
	msg.Subject(notifier.Shorten(l.Title, maxSubject))
	msg.SetDateWithValue(e.now())
	msg.SetMessageIDWithValue(e.messageID(m))
	msg.SetGenHeader(gomail.Header("List-Id"), e.listID(m.Delivery.Subscription))
	msg.SetGenHeader(gomail.Header("Auto-Submitted"), "auto-generated")
	msg.SetGenHeader(gomail.HeaderUserAgent, e.agent)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	return msg, nil
}

func (l letter) bodies() (text, html string, err error) {
	var plain, marked strings.Builder
	textual, err := texttemplate.ParseFS(templates, "mail.txt.tmpl")
	if err == nil {
		err = textual.Execute(&plain, l)
	}
	if err != nil {
		return "", "", fmt.Errorf("write mail as text: %w", err)
	}
	markup, err := htmltemplate.ParseFS(templates, "mail.html.tmpl")
	if err == nil {
		err = markup.Execute(&marked, l)
	}
	if err != nil {
		return "", "", fmt.Errorf("write mail as HTML: %w", err)
	}
	return plain.String(), marked.String(), nil
}

// messageID is the same for every attempt of an event on this channel, so that
// mail programs show a repeated one once.
func (e *Email) messageID(m notifier.Message) string {
	return token(m.Event.ID) + "." + token(m.Delivery.Subscription) + "@" + e.domain()
}

// listID names the subscription (RFC 2919), for filters.
func (e *Email) listID(subscription string) string {
	return "<" + token(subscription) + ".regwatch." + e.domain() + ">"
}

func (e *Email) domain() string {
	return token(e.from.Address[strings.LastIndexByte(e.from.Address, '@')+1:])
}

// token keeps what may stand in an identifier of a header.
func token(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '-'
	}, s)
}
