// Package e2e runs the user stories in tests/*.feature (Gherkin, by godog) against embedded LocalNets: real nodes, real
// sockets, and the program itself where a story is about the command line.
package e2e
