// Package command has what all commands of pocket share: streams, flags that check their values (AddNumber, AddChecked),
// forms of output (WriteResult), keys and passphrases, the node to ask, and errors that know their exit code
// (Fail). Run executes a command line and turns what went wrong into one line and an ExitCode.
package command
