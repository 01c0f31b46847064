package app

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/regwatch/regwatch/internal/config"
	"github.com/regwatch/regwatch/internal/testsite"
	"github.com/regwatch/regwatch/register"
)

// ownBroker starts a NATS server as an operator would run it, and gives its URL.
func ownBroker(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	return s.ClientURL()
}

// TestRolesInSeveralProcesses runs them as two apps on one data directory, which
// share nothing but its files and the broker.
func TestRolesInSeveralProcesses(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	hook := newInbox()
	site.Publish("/hook", hook)
	site.Publish("/list.csv", smallPage(numbered(0, 3, "site")...))
	def := smallRegister(site.URL("/list.csv"))
	cfg := serviceConfig(t, site.URL("/hook"))
	cfg.NATS = config.NATS{URL: ownBroker(t)}
	maker, teller := openWith(t, cfg, watching(def)), openWith(t, cfg, watching(def))

	runs := startRoles(t, maker, []string{RoleSchedule, RoleScrape})
	startRoles(t, teller, []string{RoleNotify, RoleServe})
	if run := runs.nextRun(t); run.Outcome != register.OutcomeBaseline {
		t.Fatalf("first run: %s", run.Outcome)
	}
	site.Publish("/list.csv", smallPage(numbered(0, 8, "site")...))
	runs.due(t, def.ID)
	inSequence(t, hook.wait(t, 5))

	second := openWith(t, cfg, watching(def))
	if err := second.serve(t.Context(), []string{RoleServe, RoleScrape}, nil, hooks{}); err == nil || !strings.Contains(err.Error(), "the role serve") {
		t.Errorf("a second process with a role that is taken: %v", err)
	}
	cfg.NATS = config.NATS{}
	inside := openWith(t, cfg, watching(def))
	if err := inside.serve(t.Context(), nil, nil, hooks{}); err == nil || !strings.Contains(err.Error(), "another regwatch") {
		t.Errorf("a service with its broker inside beside them: %v", err)
	}
}

func TestRolesApartNeedABrokerOfTheirOwn(t *testing.T) {
	site, err := testsite.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	site.Publish("/list.csv", smallPage("1,a,site"))
	a := openWith(t, serviceConfig(t, site.URL("/hook")), watching(smallRegister(site.URL("/list.csv"))))
	startRoles(t, a, []string{RoleSchedule, RoleScrape})
	if err := a.serve(t.Context(), []string{RoleNotify}, nil, hooks{}); err == nil || !strings.Contains(err.Error(), "nats.url") {
		t.Errorf("%v; want it to name nats.url", err)
	}
}
