// Package question decides what to ask: a Catalogue holds the kinds of Question that fit a relay chain, and Draw picks
// one for a check. Honest nodes give the same answer to it, yet it cannot be answered from a small cache: it asks about
// a random settled height. Pure; seed and height come in as arguments.
package question
