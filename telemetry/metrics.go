package telemetry

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// mostScrapes are answered at once; one more is told to come back.
	mostScrapes = 4
	// scrapeTimeout bounds a scrape. Prometheus gives up after ten seconds by default.
	scrapeTimeout = 5 * time.Second
)

// Metrics are those of one node. Its methods may be called by many goroutines at once.
type Metrics struct {
	registry *prometheus.Registry
	logger   *slog.Logger
	rounds   *roundMetrics
	relays   *relayMetrics
}

// New makes the metrics of a node; nothing is global. The logger takes what goes wrong at a scrape.
func New(sources Sources, logger *slog.Logger) *Metrics {
	registry := prometheus.NewPedanticRegistry()
	m := &Metrics{registry: registry, logger: logger}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newStateCollector(sources))
	if sources.Sessions != nil {
		m.rounds = newRoundMetrics()
		servicers := newServicerCollector(sources.Sessions, time.Now, logger)
		if sources.Name != nil {
			m.rounds.names.valid, servicers.relayChain, servicers.address = sources.Name, sources.Name, sources.Name
			m.rounds.members.address = sources.Name
		}
		registry.MustRegister(m.rounds.collectors()...)
		registry.MustRegister(servicers)
	}
	if sources.Rolling != nil {
		rolling := newRollingCollector(sources.Rolling, time.Now)
		if sources.Name != nil {
			rolling.relayChain, rolling.address = sources.Name, sources.Name
		}
		registry.MustRegister(rolling)
	}
	if sources.Volume != nil {
		m.relays = newRelayMetrics()
		registry.MustRegister(m.relays.collectors()...)
	}
	if sources.Feed != nil {
		registry.MustRegister(newFeedCollector(sources.Feed))
	}
	if sources.Alerts != nil {
		registry.MustRegister(newAlertCollector(sources.Alerts))
	}
	if sources.Collector != nil {
		registry.MustRegister(newReadingCollector(sources.Collector, sources.Vantages))
	}
	return m
}

// Gatherer gives what a scrape would.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Handler answers scrapes: GET and HEAD, in the forms that Prometheus asks for, native histograms included.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(m.logger.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: mostScrapes,
		Timeout:             scrapeTimeout,
		EnableOpenMetrics:   true,
	})
}

// histogram is one that is native where the scraper takes those: buckets 10 % wide, at most 160 of them. Others get the
// classic buckets.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  160,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

// counter makes a counter with labels.
func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// bounded lets the first values through, up to a number of them; all others become other.
type bounded struct {
	mu    sync.Mutex
	most  int
	valid func(string) error
	known map[string]bool
}

// other stands for label values that are one too many, or not what they should be.
const other = "other"

func (b *bounded) label(value string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.known[value]:
		return value
	case len(b.known) >= b.most || b.valid(value) != nil:
		return other
	}
	b.known[value] = true
	return value
}
