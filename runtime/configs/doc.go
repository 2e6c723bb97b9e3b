// Package configs holds the configuration of a node, Node: where it keeps things, where it listens, and which roles it
// plays.
//
// DefaultNode is where a configuration starts from; Parse reads a file strictly over it; Override and FromEnvironment put
// single settings in its place; Validate names every value that is out of range. Encode writes a configuration in one
// stable form. Nothing here reads a file, an environment or a clock: the caller does. Private keys are no part of a
// configuration: it names them by their addresses.
package configs
