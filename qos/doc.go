// Package qos turns samples into numbers and verdicts. Its central function is Summarize: what one session's rounds say of
// each of its servicers, with a verdict that can be recomputed by hand.
//
// Flow: a types.QoSSession (members and rules) and its types.QoSRounds go into Summarize, which counts every servicer's
// samples, estimates shares by Wilson intervals and round-trip times by exact quantiles, judges, and orders the servicers
// worst first. What comes out is api.SessionReport, as the RPC serves it.
//
// A Window merges sessions: PlanWindows finds those that a Span reaches, Digest makes of each what can be merged, and
// Report says what they are worth, with quantiles by Sketch.
//
// RollVantages and MergeWindows merge what several vantage points say of the same servicers: a null sample that others do not
// have is its vantage point's path, and verdicts are those of a strict majority.
//
// The package is pure: no clock, no I/O, no randomness; equal input gives equal bytes.
package qos
