// Package query has the commands 'pocket query', which read the chain's state from a node. New makes them; ask is what
// each of them does.
package query
