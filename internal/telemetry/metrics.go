package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics counts what the service does, on a registry of its own.
type Metrics struct {
	registry     *prometheus.Registry
	runs         *prometheus.CounterVec
	runSeconds   *prometheus.HistogramVec
	changes      *prometheus.CounterVec
	lastComplete *prometheus.GaugeVec
	attempts     *prometheus.CounterVec
	delivery     *prometheus.HistogramVec
	outbox       *prometheus.GaugeVec
	deliveries   *prometheus.GaugeVec
	streamShare  *prometheus.GaugeVec
}

// NewMetrics makes the metrics, all zero.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry:     prometheus.NewRegistry(),
		runs:         counter("regwatch_runs_total", "Runs, by register and outcome.", "register", "outcome"),
		runSeconds:   histogram("regwatch_run_seconds", "Time from the start of a run to its commit.", "register"),
		changes:      counter("regwatch_changes_total", "Accepted changes, by register and kind.", "register", "kind"),
		lastComplete: gauge("regwatch_last_complete_fetch_timestamp_seconds", "When a register was last fetched whole.", "register"),
		attempts:     counter("regwatch_delivery_attempts_total", "Attempts to deliver, by channel and the state they led to.", "channel", "state"),
		delivery:     histogram("regwatch_delivery_seconds", "Time from a delivery's creation to its acceptance.", "channel"),
		outbox:       gauge("regwatch_outbox_events", "Events that wait, by what they wait for.", "for"),
		deliveries:   gauge("regwatch_deliveries", "Deliveries that are pending, and those that were given up (dead).", "state"),
		streamShare:  gauge("regwatch_stream_used_ratio", "Used part of a stream's limit; at 1 its oldest messages go.", "stream"),
	}
	m.registry.MustRegister(m.runs, m.runSeconds, m.changes, m.lastComplete, m.attempts, m.delivery, m.outbox, m.deliveries, m.streamShare,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Run counts a run and the time that it took.
func (m *Metrics) Run(register, outcome string, took time.Duration) {
	m.runs.WithLabelValues(register, outcome).Inc()
	m.runSeconds.WithLabelValues(register).Observe(took.Seconds())
}

// Complete notes when a register was last fetched whole.
func (m *Metrics) Complete(register string, at time.Time) {
	m.lastComplete.WithLabelValues(register).Set(float64(at.Unix()))
}

// Changes counts accepted changes.
func (m *Metrics) Changes(register, kind string, n int) {
	m.changes.WithLabelValues(register, kind).Add(float64(n))
}

// Attempt counts an attempt to deliver and the state that it led to; since is
// how long ago the delivery was created.
func (m *Metrics) Attempt(channel, state string, delivered bool, since time.Duration) {
	m.attempts.WithLabelValues(channel, state).Inc()
	if delivered {
		m.delivery.WithLabelValues(channel).Observe(since.Seconds())
	}
}

// Outbox sets how many events wait for something ("publication", "routing").
func (m *Metrics) Outbox(waitingFor string, n int64) {
	m.outbox.WithLabelValues(waitingFor).Set(float64(n))
}

// Deliveries sets how many deliveries are in a state.
func (m *Metrics) Deliveries(state string, n int64) {
	m.deliveries.WithLabelValues(state).Set(float64(n))
}

// Stream sets how full a stream is, 1 being full.
func (m *Metrics) Stream(name string, share float64) { m.streamShare.WithLabelValues(name).Set(share) }

// Handler serves the metrics in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600},
	}, labels)
}
