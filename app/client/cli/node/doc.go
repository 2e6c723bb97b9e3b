// Package node has the commands 'pocket node': init writes a node's home, config checks it, id shows how peers name the
// node, and start runs it. New makes them.
package node
