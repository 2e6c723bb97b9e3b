// Package round carries out one check: it asks every servicer of a session the same question at the same moment and
// returns what it observed (judge.Observation). It decides nothing.
//
// The central type is Runner. Run prepares a Request for each servicer, connects ahead of the moment, releases all
// requests at once, has the answers read and opens them. Everything expensive comes before the release, and rounds take
// turns at it (Turns).
package round
