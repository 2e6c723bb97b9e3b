// Package collector reads what several fishermen publish, and keeps it for each of them apart. Its central type is
// Collector.
//
// Flow: Run pulls messages of the feed's stream with a durable consumer. Intake opens each (package feed/protocol), decides
// by package order whether it is taken, stores what is taken in the store of its fisherman (Vantage), then where the
// statements have got to (ledger), and only then are the messages acknowledged. A crash anywhere in between has the server
// send them again, and what was stored already is a repetition. Nothing is acknowledged that a crash could lose.
//
// The server holds what the collector has not acknowledged, so that memory is bounded by one batch: a slow disk makes the
// consumer's lag grow, and nothing else. Verdicts writes what is merged to a key-value bucket, for gateways.
package collector
