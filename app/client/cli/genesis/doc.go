// Package genesis has the command 'pocket genesis validate', which checks a genesis file. New makes it.
package genesis
