// Package qos turns samples into summaries. Its central type is SessionReport: what one session's rounds say of each of
// its servicers, with a verdict that can be recomputed by hand.
//
// Flow: a types.QoSSession (members and rules) and its types.QoSRounds go into Summarize, which counts every servicer's
// samples, estimates shares by Wilson intervals and round-trip times by exact quantiles, judges, and orders the servicers
// worst first. Report collects the sessions and is the JSON that the RPC serves and the command line prints.
//
// A Window merges sessions: PlanWindows finds those that a Span reaches, Digest makes of each what can be merged, and
// WindowReport is what comes out, with quantiles by Sketch.
// EvidenceFile and CheckReport are the JSON forms of what proves a disagreement and of a check on demand.
//
// The package is pure: no clock, no I/O, no randomness; equal input gives equal bytes.
package qos
