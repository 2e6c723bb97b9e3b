// Package keys has the commands 'pocket keys', which make and keep private keys in files that are encrypted with a
// passphrase. New makes them.
package keys
