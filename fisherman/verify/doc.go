// Package verify decides what an answer is worth: Read tells a result from an error and reduces it to a digest of its
// canonical form, and Compare holds the digests of a round against each other. Pure.
package verify
