// Package servicer has the commands 'pocket servicer', which read what the servicers of a node keep, and verify it. New
// makes them.
package servicer
