// Package machine decides which messages about servicers are sent, and when: Machine. It has no clock and sends nothing: it
// is shown a Snapshot at a time, and returns Messages.
//
// A Rule names verdicts. Once a servicer has had one of them for the rule's time, the rule fires for it, which is told once;
// once the verdict has been another for the rule's other time, that is told once. A verdict that says nothing about the
// servicer (unknown, not asked yet) stops both clocks and resets neither. What happens within the group wait is told by one
// message for each rule, however many servicers it is about.
package machine
