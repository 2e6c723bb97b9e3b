package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Alerts are the messages about verdicts. Names of receivers and rules come from the operator's configuration, which bounds
// their number.
type Alerts struct {
	// Receivers are each there once.
	Receivers []AlertReceiver
	// Firing is for how many servicers each rule fires.
	Firing map[string]int
}

// AlertReceiver is what became of the messages for a receiver.
type AlertReceiver struct {
	Name string
	// Sent messages were taken, Failed ones given up, Dropped ones did not fit the queue.
	Sent, Failed, Dropped uint64
	// Queued messages wait.
	Queued int
}

// alertCollector reads the state of alerts at each scrape.
type alertCollector struct {
	alerts                   func() Alerts
	messages, queued, firing *prometheus.Desc
}

func newAlertCollector(alerts func() Alerts) *alertCollector {
	return &alertCollector{
		alerts:   alerts,
		messages: prometheus.NewDesc("pocket_alerts_messages_total", "Messages about verdicts by what became of them: sent, failed (given up) or dropped (queue full).", []string{"receiver", "result"}, nil),
		queued:   prometheus.NewDesc("pocket_alerts_queued", "Messages that wait for a receiver.", []string{"receiver"}, nil),
		firing:   prometheus.NewDesc("pocket_alerts_firing", "Servicers that a rule of the alerts fires for.", []string{"rule"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *alertCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.messages
	descs <- c.queued
	descs <- c.firing
}

// Collect implements prometheus.Collector.
func (c *alertCollector) Collect(out chan<- prometheus.Metric) {
	alerts := c.alerts()
	for _, each := range alerts.Receivers {
		for result, count := range map[string]uint64{"sent": each.Sent, "failed": each.Failed, "dropped": each.Dropped} {
			out <- prometheus.MustNewConstMetric(c.messages, prometheus.CounterValue, float64(count), each.Name, result)
		}
		out <- prometheus.MustNewConstMetric(c.queued, prometheus.GaugeValue, float64(each.Queued), each.Name)
	}
	for rule, count := range alerts.Firing {
		out <- prometheus.MustNewConstMetric(c.firing, prometheus.GaugeValue, float64(count), rule)
	}
}
