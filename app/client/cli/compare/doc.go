// Package compare is the command 'pocket compare': it races RPC endpoints that somebody has, for a moment, without a chain
// and without a node. New makes the command.
//
// What it is given is turned into one group of package groups (targets.go, timing.go, catalogue.go), which a
// node.Endpoints samples for one session in a temporary directory (run.go); output.go writes the report, fail.go judges it
// for scripts. URLs and values of headers hold keys: no text of this package repeats them.
package compare
