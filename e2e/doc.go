// Package e2e runs the user stories in tests/*.feature (Gherkin, by godog) against embedded LocalNets: real nodes, real
// sockets, and, for stories about the command line, the program itself.
package e2e
