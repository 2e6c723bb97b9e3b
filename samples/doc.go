// Package samples is the read side: it makes of the stored rounds what the API, the metrics and the command line show.
// Its central type is Reader, over a Store.
//
// Flow: Reader.Report and Reader.Windows sum sessions up by package qos, keeping the digests of closed ones;
// Reader.Rounds and Reader.Evidence read pages of single checks; Reader.Running is what is being sampled now. Stream is
// told of what became durable and passes it on to its listeners, with what they missed. Check is the form of a check on
// demand.
//
// Vantages does the same over the stores of several vantage points, which a collector fills: it merges rolling verdicts and
// windows by package qos and says how the vantage points are.
//
// The package knows no network: who can make evidence of a round is given to it (Prover).
package samples
