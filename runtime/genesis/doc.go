// Package genesis holds the first state of a network, Genesis, and its governed parameters, Params.
//
// A genesis file is JSON. Parse reads it strictly and validates it; Marshal writes it in one stable form; Validate
// names every value that is out of range as a FieldError. DefaultParams is where a new network starts from. The ranges
// are those that proto/genesis.proto documents. The package is pure: reading and writing files is the caller's.
package genesis
