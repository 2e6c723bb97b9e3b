// Package measured makes what a fisherman has measured over weeks: sessions and rounds from a seed, for tests, pictures and
// benchmarks. Its central type is Plan. Equal plans give equal rounds. Nothing of the product imports it.
package measured
