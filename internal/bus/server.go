package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	maxPayload   = 8 << 20          // largest message; the server warns above
	startTimeout = 30 * time.Second // a large stream is checked at start
	noLimit      = 1 << 50          // streams have limits of their own; see [Limits]
)

// embedded is the server inside the process. It can be started anew while its
// clients keep their connection object: they reconnect through InProcessConn.
type embedded struct {
	options Options
	log     *serverLog

	mu      sync.Mutex
	running *server.Server // nil while it is down
	port    int            // that was taken at the first start; 0: does not listen
}

func startEmbedded(o Options) (*embedded, error) {
	e := &embedded{options: o, log: &serverLog{to: o.Logger}}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e, e.start()
}

// start needs e.mu.
func (e *embedded) start() error {
	options, err := e.serverOptions()
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("start embedded NATS: %w", err)
	}
	e.log.fatal.Store(false)
	s.SetLoggerV2(e.log, false, false, false)
	s.Start()
	if !e.ready(s) || !s.JetStreamEnabled() {
		s.Shutdown()
		s.WaitForShutdown()
		return fmt.Errorf("start embedded NATS in %s: %w", e.options.Dir, e.log.cause())
	}
	if address, ok := s.Addr().(*net.TCPAddr); ok && !options.DontListen {
		e.port = address.Port
	}
	e.running = s
	return nil
}

// ready waits for the server, but not after it told its log that it gave up.
func (e *embedded) ready(s *server.Server) bool {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline) && !e.log.fatal.Load(); {
		if s.ReadyForConnections(100 * time.Millisecond) {
			return true
		}
	}
	return false
}

func (e *embedded) serverOptions() (*server.Options, error) {
	options := &server.Options{
		ServerName:         "regwatch",
		DontListen:         e.options.Listen == "",
		Authorization:      e.options.Token,
		JetStream:          true,
		StoreDir:           e.options.Dir,
		SyncAlways:         true,
		JetStreamMaxStore:  noLimit,
		JetStreamMaxMemory: 64 << 20, // no stream of ours lives in memory
		MaxPayload:         maxPayload,
		NoSigs:             true,
	}
	if options.DontListen {
		return options, nil
	}
	host, port, err := e.options.listenAddress()
	if err != nil {
		return nil, err
	}
	options.Host, options.Port = host, port
	switch {
	case e.port != 0:
		options.Port = e.port
	case port == 0:
		options.Port = server.RANDOM_PORT
	}
	return options, nil
}

// InProcessConn gives the client a pipe to the server that runs now.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.running == nil {
		return nil, errors.New("embedded NATS is not running")
	}
	return e.running.InProcessConn()
}

// dropConsumer removes the files of a consumer that the server can not load, and
// so does not know.
func (e *embedded) dropConsumer(stream, durable string) error {
	return os.RemoveAll(filepath.Join(e.options.Dir, "jetstream", server.DEFAULT_GLOBAL_ACCOUNT, "streams", stream, "obs", durable))
}

// restart ends the server and starts it on the same files.
func (e *embedded) restart() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop()
	return e.start()
}

func (e *embedded) shutdown() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop()
}

// stop needs e.mu.
func (e *embedded) stop() {
	if e.running == nil {
		return
	}
	e.running.Shutdown()
	e.running.WaitForShutdown()
	e.running = nil
}

// url is where clients outside connect; empty when it does not listen.
func (e *embedded) url() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.port == 0 {
		return ""
	}
	host, _, err := e.options.listenAddress()
	if err != nil {
		return ""
	}
	return "nats://" + net.JoinHostPort(host, fmt.Sprint(e.port))
}

// serverLog passes the server's log on. Its notices are of interest only to
// those who look for a fault.
type serverLog struct {
	to    *slog.Logger
	fatal atomic.Bool // the server can not start

	mu   sync.Mutex
	last string // error
}

func (l *serverLog) Noticef(format string, v ...any) {
	l.to.Debug("nats: " + fmt.Sprintf(format, v...))
}

func (l *serverLog) Debugf(format string, v ...any) { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l *serverLog) Tracef(string, ...any)          {}
func (l *serverLog) Warnf(format string, v ...any)  { l.to.Warn("nats: " + fmt.Sprintf(format, v...)) }

func (l *serverLog) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.mu.Lock()
	l.last = text
	l.mu.Unlock()
	l.to.Error("nats: " + text)
}

// Fatalf does not end the process: whoever started the server does, or not.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.Errorf(format, v...)
	l.fatal.Store(true)
}

// cause is the last error that the server told its log.
func (l *serverLog) cause() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == "" {
		return fmt.Errorf("not ready within %s", startTimeout)
	}
	return errors.New(l.last)
}

// blame adds to an error what the server said of it; without one, what the
// server said is past.
func (l *serverLog) blame(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.last = ""
	}
	if l.last == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, l.last)
}
