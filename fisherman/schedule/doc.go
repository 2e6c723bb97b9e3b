// Package schedule decides when to ask: a Plan is the session's checks as fractions of the session, and a Pace turns
// fractions into times with the block interval that was observed. Both are pure; time and seed come in as arguments.
//
// Session length is in blocks and blocks do not keep time, so a plan cannot be a list of times. Each head corrects the
// pace, and what is due is always computed from the start of the session, never by accumulated waiting.
package schedule
