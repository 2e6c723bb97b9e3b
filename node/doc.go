// Package node is the composition root: it builds a node's parts by plain constructors, fits them together and runs them
// until its context ends. It is the only package that names implementations.
package node
