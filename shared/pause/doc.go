// Package pause waits, but no longer than a context lasts.
package pause
