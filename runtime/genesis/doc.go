// Package genesis holds the first state of a network, Genesis, and its governed parameters, Params.
//
// A genesis file is JSON. Parse reads it strictly and validates it; Marshal writes it in one stable form; Validate
// names every value that is out of range as a FieldError. DefaultParams has the parameters of a new network.
// proto/genesis.proto documents the ranges. The package is pure: the caller reads and writes files.
package genesis
