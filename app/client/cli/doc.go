// Package cli is the command line of pocket. Its central function is Run: it builds the command tree (one file for each
// noun), executes one command line, and turns what went wrong into one line on standard error and an exit code (see
// ExitCode).
//
// Commands read a node over its HTTP API only, the one that 'pocket localnet' runs in its own process included. Results
// go to standard output alone; progress and logs go to standard error. Text that strangers chose (service URLs, reasons,
// answers) is cleaned before a terminal or a spreadsheet sees it.
package cli
