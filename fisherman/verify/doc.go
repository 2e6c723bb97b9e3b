// Package verify decides what an answer is worth. Read says which Class an answer is of and reduces data to a digest of its
// canonical form; Compare holds the digests of a round against each other. Pure.
package verify
