// Command compare_demo shows 'pocket compare' without a network: three geth of one chain, of which one is slow and one is
// stopped, and what pocket says of them. It ends by itself and leaves no process and no file.
//
// A geth in developer mode makes a chain of its own, so one makes the blocks, and the others begin with a copy of them.
package main
