// Package telemetry shows a node to Prometheus. Metrics owns a registry of its own and is its central type: observers
// count what parts of the node tell them (Round, Relay), and what is a state rather than an event is read when somebody
// scrapes (Sources). Handler answers the scrapes.
//
// How many series there are is bounded whatever the network does: labels are enumerations, relay chains up to a number,
// and the servicers of the current sessions up to a number. docs/metrics.md lists every metric.
package telemetry
