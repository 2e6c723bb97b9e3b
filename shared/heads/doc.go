// Package heads tells subscribers of the newest head of a chain, or of what a network has in its place: Publisher.
package heads
