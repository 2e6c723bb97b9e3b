// Package rollup counts samples by time. Its central type is Rollup: what the samples of one servicer in one slot of time
// add up to, exact in its counts and with a sketch of its times, so that those of many slots can be merged.
//
// Flow: Tally takes a session and one of its rounds and adds each sample to the rollup of its Series. Rollups are merged by
// addition, so neither the order of rounds nor their grouping matters. AppendRecord and Decode are the form in which a
// rollup is stored.
//
// What counts is what qos.Summarize counts. The package is pure: no clock, no I/O, no randomness.
package rollup
