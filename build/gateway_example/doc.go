// Command gateway_example reads the verdicts of a collector, as a gateway does. docs/feed.md has its text.
package main
