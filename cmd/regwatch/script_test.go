package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/itchyny/gojq"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regwatch/regwatch/internal/testsite"
)

// TestScripts runs the program's own entry point in scripts, against real
// versions of a register, files, and web sites on loopback.
//
// Beside testscript's own commands there are:
//
//	exits N PROGRAM ARG…   runs a program, which must end with that exit code
//	until PROGRAM ARG…     runs it again and again until it succeeds
//	await EXPRESSION PROGRAM ARG…   runs it until the expression is true of its output, as for jq
//	jq EXPRESSION FILE     fails unless it is true of the array of the file's JSON values; FILE may be stdout
//	version NAME FILE      unpacks a real version of the Czech register
//	expand FILE            replaces $NAME by the environment's values
//	site PATH FILE [TYPE]  publishes a file (type text/csv) at $SITE
//	broken PATH            publishes a 404
//	hook N                 waits until $HOOK has got N different webhooks
//	service                starts `regwatch run`, waits until it listens, and tells what is run from then on where;
//	                       it is ended with the script at the latest
//	signal NAME            sends it HUP, INT or TERM
//	logged REGEXP          waits until its log matches
//	ended                  waits for its end with exit code 0; what it logged is in service.log
//	refuse CODE            makes $HOOK answer with that status from now on
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setupScript,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until, "await": await, "jq": jq, "version": unpackVersion, "expand": expand,
			"site": publish, "broken": publishBroken, "hook": waitForHooks, "refuse": refuseHooks,
			"service": startService, "signal": signalService, "logged": awaitLog, "ended": serviceEnded,
		},
	})
}

// outside is the world of one script.
type outside struct {
	site    *testsite.Site
	hook    *hook
	vars    []string
	service *exec.Cmd
}

type outsideKey struct{}

func setupScript(env *testscript.Env) error {
	site, err := testsite.Start()
	if err != nil {
		return err
	}
	h := &hook{got: map[string]int{}, status: http.StatusNoContent}
	server := httptest.NewServer(h)
	env.Defer(func() { server.Close(); _ = site.Close() }) // both only serve loopback
	env.Setenv("REGWATCH_DATA", filepath.Join(env.WorkDir, "data"))
	env.Setenv("REGWATCH_HTTP_LISTEN", "127.0.0.1:0") // any free port, and none answers there
	env.Setenv("SITE", site.URL(""))
	env.Setenv("HOOK", server.URL)
	env.Setenv("HOOK_SECRET", "whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32)))
	env.Setenv("ESC", "\x1b")
	o := &outside{site: site, hook: h, vars: env.Vars}
	env.Defer(func() {
		if o.service != nil {
			_ = o.service.Process.Kill() // the script failed
			_ = o.service.Wait()
		}
	})
	env.Values[outsideKey{}] = o
	return nil
}

func world(ts *testscript.TestScript) *outside { return ts.Value(outsideKey{}).(*outside) }

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N PROGRAM ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	have := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		have = exit.ExitCode()
	}
	if have != want {
		ts.Fatalf("exit code %d, want %d; stderr:\n%s", have, want, ts.ReadFile("stderr"))
	}
}

func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: until PROGRAM ARG…")
	}
	again(ts, func() bool { return ts.Exec(args[0], args[1:]...) == nil })
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await EXPRESSION PROGRAM ARG…")
	}
	again(ts, func() bool {
		ts.Check(ts.Exec(args[1], args[2:]...))
		return ask(ts, args[0], "stdout") == true
	})
}

// again calls f until it is true, with a pause between, for half a minute.
func again(ts *testscript.TestScript, f func() bool) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); !f(); <-ticker.C {
		if time.Now().After(deadline) {
			ts.Fatalf("it did not come about; the last output was\n%s%s", ts.ReadFile("stdout"), ts.ReadFile("stderr"))
		}
	}
}

func jq(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: jq EXPRESSION FILE")
	}
	if truth, ok := ask(ts, args[0], args[1]).(bool); !ok || truth == neg {
		ts.Fatalf("%s is not %t of\n%s", args[0], !neg, ts.ReadFile(args[1]))
	}
}

// ask gives what an expression makes of the array of a file's JSON values.
func ask(ts *testscript.TestScript, expression, file string) any {
	query, err := gojq.Parse(expression)
	ts.Check(err)
	values := []any{}
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile(file)))
	for {
		var v any
		err := decoder.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		values = append(values, v)
	}
	result, _ := query.Run(values).Next()
	return result
}

func unpackVersion(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: version NAME FILE")
	}
	packed, err := os.ReadFile(filepath.Join(versions, args[0]+".csv.gz"))
	ts.Check(err)
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	ts.Check(err)
	body, err := io.ReadAll(reader)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), body, 0o600))
}

func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func publish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: site PATH FILE [TYPE]")
	}
	contentType := "text/csv"
	if len(args) == 3 {
		contentType = args[2]
	}
	world(ts).site.Publish(args[0], testsite.File(contentType, []byte(ts.ReadFile(args[1])), time.Time{}))
}

func publishBroken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: broken PATH")
	}
	world(ts).site.Publish(args[0], testsite.Status(http.StatusNotFound, "text/html", []byte("<html><title>gone</title></html>")))
}

// hook is a webhook endpoint that counts what it gets, by webhook-id.
type hook struct {
	mu     sync.Mutex
	got    map[string]int
	status int
}

// ServeHTTP takes one webhook.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status < 300 {
		h.got[r.Header.Get("webhook-id")]++
	}
	w.WriteHeader(h.status)
}

func waitForHooks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hook N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	h := world(ts).hook
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-ticker.C {
		h.mu.Lock()
		have := len(h.got)
		h.mu.Unlock()
		if have == want {
			return
		}
		if have > want || time.Now().After(deadline) {
			ts.Fatalf("%d different webhooks arrived, want %d", have, want)
		}
	}
}

func refuseHooks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: refuse CODE")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	h := world(ts).hook
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

const versions = "../../internal/app/demo"

func startService(ts *testscript.TestScript, neg bool, args []string) {
	o := world(ts)
	if neg || len(args) > 0 || o.service != nil {
		ts.Fatalf("usage: service, once at a time")
	}
	log, err := os.Create(ts.MkAbs("service.log"))
	ts.Check(err)
	defer log.Close()
	command := exec.Command("regwatch", "run")
	command.Dir, command.Env, command.Stdout, command.Stderr = ts.MkAbs("."), o.vars, log, log
	ts.Check(command.Start())
	o.service = command
	again(ts, func() bool {
		log := ts.ReadFile("service.log")
		if at := listening.FindStringSubmatch(log); at != nil {
			ts.Setenv("REGWATCH_HTTP_LISTEN", at[1])
			return true
		}
		if strings.Contains(log, "regwatch: ") {
			ts.Fatalf("the service does not begin:\n%s", log)
		}
		return false
	})
}

var listening = regexp.MustCompile(`msg="HTTP is answered" address=(\S+)\n`)

func signalService(ts *testscript.TestScript, neg bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": os.Interrupt, "TERM": syscall.SIGTERM}
	o := world(ts)
	if neg || len(args) != 1 || signals[args[0]] == nil || o.service == nil {
		ts.Fatalf("usage: signal HUP|INT|TERM, of a running service")
	}
	ts.Check(o.service.Process.Signal(signals[args[0]]))
}

func awaitLog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: logged REGEXP")
	}
	wanted, err := regexp.Compile(args[0])
	ts.Check(err)
	again(ts, func() bool { return wanted.MatchString(ts.ReadFile("service.log")) })
}

func serviceEnded(ts *testscript.TestScript, neg bool, args []string) {
	o := world(ts)
	if neg || len(args) > 0 || o.service == nil {
		ts.Fatalf("usage: ended, of a running service")
	}
	err := o.service.Wait()
	o.service = nil
	ts.Setenv("REGWATCH_HTTP_LISTEN", "127.0.0.1:0")
	if err != nil {
		ts.Fatalf("the service ended with %v:\n%s", err, ts.ReadFile("service.log"))
	}
}
