package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// childEnv makes the test binary be the service on that data directory.
const childEnv = "REGWATCH_TEST_SERVICE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := serveAsChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// serveAsChild is the service as `regwatch run` starts it, save that it asks
// its host as often as the test wants.
func serveAsChild(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Serve(ctx, Options{Data: dir, Version: "test", Stderr: os.Stderr, hostRate: 10_000}, nil, nil)
}

// TestKill kills the running service at random moments of its work, again and
// again, and then holds what the store, the stream and the webhook have against
// each other: every change committed once, delivered at least once, nothing that
// never was, no gap, repeats only under the same id.
func TestKill(t *testing.T) {
	playKills(t, kills(t, 10), 120*time.Millisecond, numbered(0, 200, "site"))
}

// TestKillOfALargeRegister is TestKill of a register whose head has an index: a kill
// comes before, between and in the commit and the writing of the index too.
func TestKillOfALargeRegister(t *testing.T) {
	rows := numbered(0, 21_000, strings.Repeat("a category as long as its page has to be", 5))
	k := playKills(t, kills(t, 10)/2, 400*time.Millisecond, rows)
	files, err := filepath.Glob(filepath.Join(k.dir, "index", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(k.dir, "index", "cz-killed.index"); !slices.Contains(files, want) || len(files) > 2 {
		t.Errorf("the indexes are %v, want %s, and at most what a kill left half written", files, want)
	}
}

func kills(t *testing.T, otherwise int) int {
	text := os.Getenv("REGWATCH_KILLS")
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("REGWATCH_KILLS is %q: want a number", text)
	}
	return n
}

// playKills kills the service so often, each time within so long after its
// register, which has these rows at first, became due.
func playKills(t *testing.T, kills int, within time.Duration, rows []string) *killTest {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k := newKillTest(t, rand.New(rand.NewPCG(seed, 0)), rows)
	k.start()
	k.awaitBaseline()
	k.consumer = connectOutside(t, "nats://"+k.natsAddress, testToken)
	for range kills {
		k.publishNext()
		k.makeDue()
		k.killAfter(time.Duration(k.random.IntN(int(within))))
		k.start()
	}
	k.settle()
	k.verify(kills)
	return k
}

type killTest struct {
	*testing.T
	random      *rand.Rand
	dir         string
	natsAddress string
	site        *testsite.Site
	hook        *inbox
	consumer    *outside
	child       *exec.Cmd
	first       []string        // rows published at first
	page        []string        // rows published now
	everOn      map[string]bool // rows that were ever published
	next        int             // number of the next new row
	ticks       int
}

func newKillTest(t *testing.T, random *rand.Rand, rows []string) *killTest {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { site.Close() })
	k := &killTest{
		T: t, random: random, dir: t.TempDir(), site: site, hook: newInbox(),
		natsAddress: "127.0.0.1:" + strconv.Itoa(freePort(t)), everOn: map[string]bool{},
	}
	site.Publish("/hook", k.hook)
	k.first, k.page, k.next = rows, slices.Clone(rows), len(rows)
	k.publish()
	k.write("register.yaml", `
id: cz-killed
title: Register of the kill test
authority: {name: Authority, country: CZ}
schedule: {cron: "0 0 1 1 *"}
fetch: {url: "`+site.URL("/list.csv")+`", allow_private: true}
parse: {format: csv}
fields: {number: {from: id}, name: {from: name}, category: {from: kind}}
key: [number]
expect: {flood: {removed: 100%, changed: 100%}} # many versions may pass unseen between two kills; holds are tried elsewhere
`)
	k.write("regwatch.yaml", `
registers: [./register.yaml]
subscriptions: [{name: all, registers: ["*"], to: [hook]}]
channels: {hook: {type: webhook, url: "`+site.URL("/hook")+`", secret: "env:REGWATCH_TEST_SECRET", allow_private: true}}
nats: {listen: "`+k.natsAddress+`", token: "env:REGWATCH_TEST_TOKEN"}
http: {listen: "127.0.0.1:0"}
`)
	return k
}

func (k *killTest) write(name, text string) {
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
		k.Fatal(err)
	}
}

// start runs the service in a process of its own and waits until its broker
// answers.
func (k *killTest) start() {
	k.child = exec.Command(os.Args[0])
	k.child.Env = append(os.Environ(), childEnv+"="+k.dir, "REGWATCH_TEST_TOKEN="+testToken, "REGWATCH_TEST_SECRET=whsec_c2VjcmV0IG9mIHRoZSB0ZXN0IGluIGJhc2U2NA==")
	log, err := os.OpenFile(filepath.Join(k.dir, "child.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		k.Fatal(err)
	}
	defer log.Close()
	k.child.Stderr = log
	if err := k.child.Start(); err != nil {
		k.Fatal(err)
	}
	child := k.child
	k.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
}

// awaitBaseline waits for the first run, which is due at once.
func (k *killTest) awaitBaseline() {
	k.connect().Close()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if _, head := k.stored(); len(head) == len(k.page) {
			return
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(k.dir, "child.log"))
			k.Fatalf("there is no baseline\n%s", log)
		}
	}
}

// connect opens a connection to the service's broker, waiting until it answers.
func (k *killTest) connect() *nats.Conn {
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := nats.Connect("nats://"+k.natsAddress, nats.Token(testToken), nats.MaxReconnects(0))
		if err == nil {
			return conn
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(k.dir, "child.log"))
			k.Fatalf("the service's broker does not answer: %v\n%s", err, log)
		}
	}
}

// makeDue asks for a run as the scheduler does.
func (k *killTest) makeDue() {
	conn := k.connect()
	defer conn.Close()
	k.ticks++
	due := register.Due{Register: "cz-killed", Tick: time.Now().UTC(), Trigger: register.TriggerSchedule}
	body, err := json.Marshal(due)
	if err != nil {
		k.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		k.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(k.Context(), 20*time.Second)
	defer cancel()
	if _, err := js.Publish(ctx, "regwatch.v1.due.cz-killed", body, jetstream.WithMsgID(due.MessageID())); err != nil {
		k.Fatal(err)
	}
}

func (k *killTest) killAfter(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
	if err := k.child.Process.Kill(); err != nil {
		k.Fatal(err)
	}
	_ = k.child.Wait() // it was killed
}

// publishNext changes the page: some rows come, some go, some change.
func (k *killTest) publishNext() {
	for range 1 + k.random.IntN(8) {
		k.page = append(k.page, fmt.Sprintf("%d,Name %d,app", k.next, k.next))
		k.next++
	}
	for range k.random.IntN(3) {
		at := k.random.IntN(len(k.page))
		k.page = append(k.page[:at:at], k.page[at+1:]...)
	}
	for range k.random.IntN(3) {
		at := k.random.IntN(len(k.page))
		number, _, _ := strings.Cut(k.page[at], ",")
		k.page[at] = fmt.Sprintf("%s,Name %d,site", number, k.random.IntN(1_000_000))
	}
	k.publish()
}

func (k *killTest) publish() {
	for _, row := range k.page {
		k.everOn[row] = true
	}
	k.site.Publish("/list.csv", smallPage(k.page...))
}

// settle lets the last page be seen by two ticks, and everything be delivered.
func (k *killTest) settle() {
	k.makeDue()
	k.makeDue()
	k.makeDue()
	deadline := time.Now().Add(60 * time.Second)
	for {
		changes, head := k.stored()
		if len(head) == len(k.page) && len(distinct(k.hook.all())) == len(changes) && len(distinct(k.consumer.all())) == len(changes) {
			break
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(k.dir, "child.log"))
			k.Fatalf("does not settle: %d changes stored, %d at the webhook, %d from the stream; head %d, page %d\n%s",
				len(changes), len(distinct(k.hook.all())), len(distinct(k.consumer.all())), len(head), len(k.page), log[max(0, len(log)-4000):])
		}
		select {
		case <-k.hook.arrived:
		case <-k.consumer.arrived:
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stored reads the changes and the head from the store of the living service.
func (k *killTest) stored() ([]register.Change, map[register.Key]string) {
	a, err := openForTest(k.Context(), k.dir)
	if err != nil {
		k.Fatal(err)
	}
	defer a.Close()
	var changes []register.Change
	if err := a.Store.Changes(k.Context(), register.ChangeFilter{}, func(c register.Change) error { changes = append(changes, c); return nil }); err != nil {
		k.Fatal(err)
	}
	entries, err := a.Store.HeadEntries(k.Context(), "cz-killed")
	if err != nil {
		k.Fatal(err)
	}
	head := map[register.Key]string{}
	for _, e := range entries {
		head[e.Key] = row(e.Fields)
	}
	return changes, head
}

func row(v register.Values) string {
	return v.Get("number") + "," + v.Get("name") + "," + v.Get("category")
}

func (k *killTest) verify(kills int) {
	changes, head := k.stored()
	for _, want := range k.page {
		number, _, _ := strings.Cut(want, ",")
		if got := head[register.NewKey(number)]; got != want {
			k.Errorf("head has %q, the page %q", got, want)
		}
	}
	ids := map[string]bool{}
	for i, c := range changes {
		if ids[c.ID] {
			k.Errorf("change %s is committed twice", c.ID)
		}
		ids[c.ID] = true
		if *c.Sequence != int64(i+1) {
			k.Errorf("change %d has sequence %d", i+1, *c.Sequence)
		}
		for _, side := range []register.Values{c.Before, c.After} {
			if side != nil && !k.everOn[row(side)] {
				k.Errorf("phantom: %s was never published", row(side))
			}
		}
	}
	k.verifyReplay(changes, head)
	for name, events := range map[string][]received{"webhook": k.hook.all(), "stream": k.consumer.all()} {
		for id := range distinct(events) {
			if !ids[id] {
				k.Errorf("%s: got %s, which was never committed", name, id)
			}
		}
	}
	repeatsOnStream := inSequence(k.T, k.consumer.all())
	repeatsAtHook := len(k.hook.all()) - len(distinct(k.hook.all()))
	fmt.Printf("%d kills: %d changes committed, each once, in sequence without a gap; webhook got all (%d repeats), stream gave all (%d repeats)\n",
		kills, len(changes), repeatsAtHook, repeatsOnStream)
}

// verifyReplay carries the changes out on the baseline: that must give the head.
func (k *killTest) verifyReplay(changes []register.Change, head map[register.Key]string) {
	replayed := map[register.Key]string{}
	for _, r := range k.first {
		number, _, _ := strings.Cut(r, ",")
		replayed[register.NewKey(number)] = r
	}
	for _, c := range changes {
		before, on := replayed[c.Key]
		switch {
		case on != (c.Before != nil):
			k.Errorf("%s %s: %q was on the list: %v", c.Kind, c.Key, before, on)
		case on && before != row(c.Before):
			k.Errorf("%s %s: was %q, the change says %q", c.Kind, c.Key, before, row(c.Before))
		}
		if c.After == nil {
			delete(replayed, c.Key)
		} else {
			replayed[c.Key] = row(c.After)
		}
	}
	if len(replayed) != len(head) {
		k.Errorf("the changes lead to %d entries, the head has %d", len(replayed), len(head))
	}
}

// openForTest opens the directory of a running service beside it.
func openForTest(ctx context.Context, dir string) (*App, error) {
	cfg := config.Default()
	cfg.Data = dir
	cfg.Log.Level = "error"
	return open(ctx, Options{Version: "test", Stderr: os.Stderr}, cfg, watching())
}
