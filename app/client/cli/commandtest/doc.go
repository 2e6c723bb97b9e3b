// Package commandtest runs command lines in tests of one noun: Pocket runs one, with keys that open at once.
package commandtest
