// Package judge turns an Observation of one check into the QoSRound that is stored: outcome and blame of every sample,
// consistency of the answers, the cause of a void check, and the evidence that is kept.
//
// Round is a pure function of what was observed and the Rules of the session. Whatever may be the fisherman's own fault
// voids a sample or the whole check; only what is left counts for or against a servicer.
package judge
