// Package text makes text that strangers chose fit to be shown and kept: Line returns one printable line of bounded
// length. Errors, logs, stored details, reports and terminals all follow this one rule.
package text
