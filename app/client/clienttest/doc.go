// Package clienttest has what the tests of the client's packages share: Report and Round are samples of every kind,
// texts of an attacker among them, Node is a node that runs sessions, Golden compares with a golden file, and
// PseudoTerminal has a person at its other end.
package clienttest
