// Package question decides what to ask: a Catalogue holds the kinds of Question that fit a relay chain, and Draw picks
// one for a check. Honest nodes give the same answer to it, yet it cannot be answered from a small cache: it asks about
// a random settled height. A Client writes the question down as a common client library would, so that its bytes do not
// tell a check from an application's relay. A Search asks a target who it is: its kind, its chain, its software and its
// newest height. Pure; seeds, heights and answers come in as arguments.
package question
