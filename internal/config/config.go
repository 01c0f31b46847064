package config

import (
	"time"

	"github.com/regwatch/regwatch/register"
)

// Config is what the operator decided. A field's name in the file is its name
// here in snake case; its environment variable is REGWATCH_ and its path in
// capitals: http.public_url is REGWATCH_HTTP_PUBLIC_URL. docs/configuration.md
// has its reference from the comments below.
type Config struct {
	// Directory of the store, the archive and the broker's files. A relative path in the file starts at the file's directory. Default: the platform's data directory.
	Data string
	// Address of a person, sent with every request in the User-Agent, so that a regulator can reach you. Default: none.
	Contact string
	// Registers to watch: ids of the catalogue, or paths of definition files, which start at the file's directory. Default: none.
	Registers []string
	// Who hears of which changes, in order. Default: none.
	Subscriptions []register.Subscription
	// Ways to tell somebody, by name. Default: none.
	Channels []register.Channel
	// Channels that hear of held, failed and stale registers and the like. Default: none.
	Operators []string
	NATS      NATS
	Store     Store
	HTTP      HTTP
	Archive   Archive
	Log       Log
	Scrape    Scrape

	file string // that was read; empty: none
}

// NATS says where the broker is; all empty: inside the process, for nobody else.
type NATS struct {
	// Loopback address on which the broker inside the process listens for consumers outside; needs a token. Default: none.
	Listen string
	// Token that clients of nats.listen, or the broker of nats.url, ask for: env:NAME or file:PATH. Default: none.
	Token Secret
	// Broker to connect to instead, as nats://host:port; several are separated by commas. Default: none.
	URL string
	// Credentials file for nats.url: file:PATH. Default: none.
	Credentials Secret
}

// Store is SQLite in the data directory; there is nothing to set yet.
type Store struct{}

// HTTP says where health and metrics are served.
type HTTP struct {
	// Address to listen on. Default: 127.0.0.1:8080.
	Listen string
	// Where the service is reached from outside; it becomes the source of every event. Default: none.
	PublicURL string
	// Lets http.listen be other than loopback, although nothing asks for a password. Default: false.
	Insecure bool
}

// Archive says what becomes of fetched bytes.
type Archive struct {
	// How long every fetched body is kept; older ones that no change refers to are thinned to one a day. Default: 90d.
	Keep time.Duration
}

// Log says what is logged, to standard error.
type Log struct {
	// Least level that is logged: debug, info, warn or error. Default: info.
	Level string
	// Form of a line: text or json. Default: text.
	Format string
}

// Scrape limits fetching.
type Scrape struct {
	// Registers that are fetched at the same time, 1 to 64. Default: 4.
	Workers int
}

// Default is the configuration of those who configure nothing, save Data, which
// depends on the environment; see [DefaultData].
func Default() Config {
	return Config{
		HTTP:    HTTP{Listen: "127.0.0.1:8080"},
		Archive: Archive{Keep: 90 * day},
		Log:     Log{Level: "info", Format: "text"},
		Scrape:  Scrape{Workers: 4},
	}
}

// File is the path of the file that was read; empty if there was none.
func (c Config) File() string { return c.file }
