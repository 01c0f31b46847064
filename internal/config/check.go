package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/regwatch/regwatch/register"
)

// nameForm is that of channels' and subscriptions' names: they stand in paths,
// headers and on the command line.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// registerForm is that of a register's id.
var registerForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

const nameHint = "letters, digits, - and _, at most 63"

// findings collects what is wrong.
type findings []register.FieldError

func (f *findings) add(path, message, hint string) {
	*f = append(*f, register.FieldError{Path: path, Message: message, Hint: hint})
}

// wrong says what is wrong with values that could be read. With channelsUnread,
// nothing can be said of references to channels.
func (c Config) wrong(channelsUnread bool) []register.FieldError {
	var f findings
	c.wrongTexts(&f)
	c.wrongChannels(&f)
	c.wrongSubscriptions(&f)
	if !channelsUnread {
		c.wrongReferences(&f)
	}
	c.wrongNATS(&f)
	c.wrongHTTP(&f)
	return f
}

func (c Config) wrongTexts(f *findings) {
	if c.Data == "" {
		f.add("data", "empty", "name a directory")
	}
	if strings.ContainsFunc(c.Contact, func(r rune) bool { return r < ' ' || r > '~' || r == '(' || r == ')' }) {
		f.add("contact", "has characters that can not stand in a User-Agent", "write a mail address or a URL")
	}
	for i, name := range c.Registers {
		path := fmt.Sprintf("registers[%d]", i)
		switch {
		case IsFile(name):
			if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
				f.add(path, fmt.Sprintf("%q is not a definition file", name), "its name ends in .yaml")
			}
		case !registerForm.MatchString(name):
			f.add(path, fmt.Sprintf("%q is not the id of a register", name), "`regwatch registers list` shows them; a file of your own begins with ./")
		}
		if slices.Index(c.Registers, name) != i {
			f.add(path, fmt.Sprintf("%q is listed twice", name), "keep one")
		}
	}
	oneOf(f, "log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf(f, "log.format", c.Log.Format, "text", "json")
	if c.Scrape.Workers < 1 || c.Scrape.Workers > 64 {
		f.add("scrape.workers", fmt.Sprintf("%d is out of range", c.Scrape.Workers), "1 to 64")
	}
	if c.Archive.Keep < day {
		f.add("archive.keep", "shorter than a day", "default is 90d")
	}
}

func oneOf(f *findings, path, value string, allowed ...string) {
	if slices.Contains(allowed, value) {
		return
	}
	hint := "write " + strings.Join(allowed, ", ")
	if near := register.Nearest(value, allowed); near != "" {
		hint = "did you mean " + near + "?"
	}
	f.add(path, fmt.Sprintf("unknown value %q", value), hint)
}

func (c Config) wrongChannels(f *findings) {
	for _, channel := range c.Channels {
		path := member("channels", channel.Name)
		if !nameForm.MatchString(channel.Name) {
			f.add(path, "not a name", nameHint)
		}
		if channel.Type == "" {
			f.add(path+".type", "missing", "write type: terminal, webhook or email")
		}
	}
}

func (c Config) wrongSubscriptions(f *findings) {
	names := map[string]bool{}
	for i, s := range c.Subscriptions {
		path := fmt.Sprintf("subscriptions[%d]", i)
		switch {
		case s.Name == "":
			f.add(path+".name", "missing", "give the subscription a name")
		case s.Name == register.Operators:
			f.add(path+".name", "the name operators is taken", "who hears of trouble stands under `operators`")
		case !nameForm.MatchString(s.Name):
			f.add(path+".name", fmt.Sprintf("%q is not a name", s.Name), nameHint)
		case names[s.Name]:
			f.add(path+".name", fmt.Sprintf("a second subscription is named %q", s.Name), "names are unique")
		}
		names[s.Name] = true
		if len(s.Registers) == 0 {
			f.add(path+".registers", "missing", `write ids, countries, topics, or ["*"] for all`)
		}
		if len(s.To) == 0 {
			f.add(path+".to", "missing", "name at least one channel")
		}
		for j, kind := range s.Kinds {
			if !slices.Contains(register.Kinds, kind) {
				kinds := kindNames()
				oneOf(f, fmt.Sprintf("%s.kinds[%d]", path, j), string(kind), kinds...)
			}
		}
	}
}

func kindNames() []string {
	var names []string
	for _, k := range register.Kinds {
		names = append(names, string(k))
	}
	return names
}

// wrongReferences finds names of channels that there are not.
func (c Config) wrongReferences(f *findings) {
	var known []string
	for _, channel := range c.Channels {
		known = append(known, channel.Name)
	}
	refer := func(path string, names []string) {
		for i, name := range names {
			if slices.Contains(known, name) {
				continue
			}
			hint := "name it under `channels`"
			if near := register.Nearest(name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			f.add(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("no channel %q", name), hint)
		}
	}
	for i, s := range c.Subscriptions {
		refer(fmt.Sprintf("subscriptions[%d].to", i), s.To)
	}
	refer("operators", c.Operators)
}

func (c Config) wrongNATS(f *findings) {
	n := c.NATS
	wrongSecret(f, "nats.token", n.Token)
	if wrongSecret(f, "nats.credentials", n.Credentials); strings.HasPrefix(string(n.Credentials), "env:") {
		f.add("nats.credentials", "not a file", "write file:PATH of a .creds file")
	}
	switch {
	case n.Listen != "" && n.URL != "":
		f.add("nats.url", "nats.listen and nats.url exclude each other", "listen is for the broker inside, url for one outside")
	case n.Listen != "" && n.Token == "":
		f.add("nats.listen", "needs nats.token", "write token: env:NAME or file:PATH")
	case n.URL == "" && n.Listen == "" && n.Token != "":
		f.add("nats.token", "nothing asks for it", "it goes with nats.listen or nats.url")
	case n.URL == "" && n.Credentials != "":
		f.add("nats.credentials", "nothing asks for it", "it goes with nats.url")
	}
	if n.Listen != "" {
		if host, ok := hostPort(f, "nats.listen", n.Listen); ok && !isLoopback(host) {
			f.add("nats.listen", "not a loopback address", "write 127.0.0.1:4222, or run a broker of its own and give nats.url")
		}
	}
	for one := range strings.SplitSeq(n.URL, ",") {
		wrongBroker(f, strings.TrimSpace(one))
	}
}

// wrongBroker never repeats the URL: it may hold a password.
func wrongBroker(f *findings, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
		f.add("nats.url", "not the URL of a broker", "write nats://host:4222")
	case u.User != nil:
		f.add("nats.url", "a secret is not written into the configuration", "take the part before @ away and write token or credentials")
	}
}

func wrongSecret(f *findings, path string, s Secret) {
	if s == "" {
		return
	}
	if message, hint := s.wrong(); message != "" {
		f.add(path, message, hint)
	}
}

func (c Config) wrongHTTP(f *findings) {
	if host, ok := hostPort(f, "http.listen", c.HTTP.Listen); ok && !isLoopback(host) && !c.HTTP.Insecure {
		f.add("http.listen", "not a loopback address, and nothing there asks for a password",
			"write 127.0.0.1:PORT, or insecure: true if the network is yours")
	}
	if c.HTTP.PublicURL == "" {
		return
	}
	u, err := url.Parse(c.HTTP.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.add("http.public_url", "not the URL of a site", "write https://host, without user, query or fragment")
	} else if strings.HasSuffix(c.HTTP.PublicURL, "/") {
		f.add("http.public_url", "ends in /", "take it away")
	}
}

// hostPort splits an address to listen on. Port 0 asks the system for one.
func hostPort(f *findings, path, address string) (string, bool) {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		f.add(path, fmt.Sprintf("%q is not host:port", address), "write 127.0.0.1:8080")
		return "", false
	}
	return host, true
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
