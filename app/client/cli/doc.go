// Package cli is the command line of pocket. Its central function is Run: it builds the command tree, one package for
// each noun below this folder, and executes one command line. What the nouns share is in package command, what draws on a
// terminal in package terminal.
//
// Commands read a node over its HTTP API only, the one that 'pocket localnet' runs in its own process included. Results
// go to standard output alone; progress and logs go to standard error. Text that strangers chose (service URLs, reasons,
// answers) is made printable before a terminal or a spreadsheet sees it.
package cli
