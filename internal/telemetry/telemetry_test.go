package telemetry

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLogQuotesWhatIsHostile(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, err := Logger(&out, "info", format)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("not shown")
		log.Info("run", "reason", "\x1b[2J\nforged=line")
		if got := out.String(); strings.Contains(got, "\x1b") || strings.Count(got, "\n") != 1 || strings.Contains(got, "not shown") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestLoggerRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := Logger(&bytes.Buffer{}, "loud", "text"); err == nil {
		t.Error("the level loud is taken")
	}
	if _, err := Logger(&bytes.Buffer{}, "info", "xml"); err == nil {
		t.Error("the format xml is taken")
	}
}

func TestMetricsAreServed(t *testing.T) {
	m := NewMetrics()
	m.Run("cz-mf-blocklist", "changed", 40*time.Millisecond)
	m.Changes("cz-mf-blocklist", "added", 27)
	m.Complete("cz-mf-blocklist", time.Unix(1766456849, 0))
	m.Attempt("hook", "delivered", true, 30*time.Millisecond)
	m.Outbox("publication", 3)
	m.Deliveries("dead", 2)
	m.Stream("REGWATCH_CHANGES", 0.25)
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`regwatch_runs_total{outcome="changed",register="cz-mf-blocklist"} 1`,
		`regwatch_changes_total{kind="added",register="cz-mf-blocklist"} 27`,
		`regwatch_last_complete_fetch_timestamp_seconds{register="cz-mf-blocklist"} 1.766456849e+09`,
		`regwatch_delivery_seconds_count{channel="hook"} 1`,
		`regwatch_outbox_events{for="publication"} 3`,
		`regwatch_deliveries{state="dead"} 2`,
		`regwatch_stream_used_ratio{stream="REGWATCH_CHANGES"} 0.25`,
	} {
		if !strings.Contains(answer.Body.String(), want) {
			t.Errorf("no line %s", want)
		}
	}
}

func TestReadyNamesWhatIsNotWell(t *testing.T) {
	h := NewHealth()
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.Add("store", func(context.Context) error { return nil })
	h.Add("broker", func(context.Context) error { return errors.New("disk is full") })
	if err := h.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "broker: disk is full") {
		t.Errorf("got %v", err)
	}
}
