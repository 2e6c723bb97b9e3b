// Package configs holds the configuration of a node, Node: its files, its addresses, and its roles.
//
// DefaultNode is the base of a configuration; Parse reads a file strictly over it; Override and FromEnvironment replace
// single settings; Validate names every value that is out of range. Encode writes a configuration in one stable form.
// The package reads no file, environment or clock: the caller does. A configuration does not contain private keys; it
// names them by their addresses.
package configs
