package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// answered is the code of relays that were answered; refused and failed ones have that of their signed error.
const answered = "ANSWERED"

// unlisted stands for a code that this program does not know.
const unlisted = "UNLISTED"

// relayBuckets are seconds: a refusal takes microseconds, an execution at most the upstream's timeout.
var relayBuckets = []float64{.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// relayMetrics count what the node's servicers answered.
type relayMetrics struct {
	relays    *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

func newRelayMetrics() *relayMetrics {
	return &relayMetrics{
		relays: counter("pocket_servicer_relays_total",
			"Relays that the node's servicers took, by the code of the signed error; ANSWERED without one.", "servicer", "code"),
		durations: prometheus.NewHistogramVec(histogram("pocket_servicer_relay_seconds",
			"From a relay received to its answer or refusal sealed, the upstream's time included.", relayBuckets), []string{"result"}),
	}
}

func (m *relayMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.relays, m.durations}
}

// Relays gives an observer of one servicer's relays: it is told of each, with the code of the signed error, 0 for none,
// and how long it took. The servicer is one of the node's own.
func (m *Metrics) Relays(servicer string) func(code types.RelayErrorCode, took time.Duration) {
	if m.relays == nil {
		return func(types.RelayErrorCode, time.Duration) {}
	}
	counters := make(map[types.RelayErrorCode]prometheus.Counter, len(types.RelayErrorCode_name))
	for number := range types.RelayErrorCode_name {
		code := types.RelayErrorCode(number)
		label := code.Label()
		if number == 0 {
			label = answered
		}
		counters[code] = m.relays.relays.WithLabelValues(servicer, label)
	}
	strange := m.relays.relays.WithLabelValues(servicer, unlisted)
	done, refused := m.relays.durations.WithLabelValues("answered"), m.relays.durations.WithLabelValues("refused")
	return func(code types.RelayErrorCode, took time.Duration) {
		if counted, known := counters[code]; known {
			counted.Inc()
		} else {
			strange.Inc()
		}
		if code == types.RelayErrorCode_RELAY_ERROR_CODE_UNSPECIFIED {
			done.Observe(took.Seconds())
		} else {
			refused.Observe(took.Seconds())
		}
	}
}
