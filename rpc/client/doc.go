// Package client reads a node's HTTP API (package rpc). Its central type is Client: New checks the base URL, and one
// method per path asks, bounds what is read, and decodes it strictly.
//
// Three kinds of failure are told apart: the node refused (*Error, with its code and HTTP status), the node could not be
// reached (ErrUnreachable), and what answered does not speak this API (ErrNotANode).
package client
