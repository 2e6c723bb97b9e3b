// Command pocket is the one binary of the project: it runs a network on this machine and reads what its fisherman
// measured. Its commands are in package cli.
package main
