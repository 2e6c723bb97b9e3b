// Package text makes text written by strangers safe to show and store: Line returns one printable line of bounded
// length. Errors, logs, stored details, reports and terminals all follow this one rule.
package text
