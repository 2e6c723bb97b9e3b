// Package version has the command 'pocket version'. New makes it.
package version
