// Package evidence makes and checks evidence that targets of a list of endpoints gave different answers to one question.
// Its central type is api.Evidence, one check in which targets disagreed. Targets sign nothing, so it proves nothing to
// others: it shows what the fisherman received.
//
// Flow: a network keeps the text of Request of each question, and the body of the answer to it; Of makes a piece of a
// stored round. Somebody else reads it from a file and has Verify say whether it contradicts itself.
package evidence
