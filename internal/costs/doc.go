// Package costs holds what a stranger's bytes cost against bounds, in tests. The central type is Bounds: so much memory
// and time for each byte of an input, and a little for any input.
package costs
