package verify

import (
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrNoMajority: fewer votes than the quorum, or no answer has more than half of them.
var ErrNoMajority = errors.New("no majority")

// Ballot is one servicer's answer and where it came from.
type Ballot struct {
	// Origin is where the answer came from, as the caller counts. Servicers behind one origin have one vote together, so
	// that an operator with many of them cannot outvote the others.
	Origin string
	Digest Digest
}

// Majority is the answer that more than half of the votes cast are for, given at least quorum votes. An origin whose
// servicers contradict each other casts none. Errors: ErrNoMajority.
func Majority(ballots []Ballot, quorum int) (Digest, error) {
	votes := make(map[string]Digest, len(ballots))
	split := make(map[string]bool)
	for _, ballot := range ballots {
		first, voted := votes[ballot.Origin]
		if voted && first != ballot.Digest {
			split[ballot.Origin] = true
		}
		votes[ballot.Origin] = ballot.Digest
	}
	counts := make(map[Digest]int)
	cast := 0
	for origin, digest := range votes {
		if !split[origin] {
			counts[digest]++
			cast++
		}
	}
	if cast < quorum {
		return Digest{}, ErrNoMajority
	}
	for digest, count := range counts {
		if 2*count > cast {
			return digest, nil
		}
	}
	return Digest{}, ErrNoMajority
}

// Compare judges each ballot against the majority of all: AGREE, DISAGREE, or UNDECIDABLE when there is none. The
// result has the order of the ballots.
func Compare(ballots []Ballot, quorum int) []types.Consistency {
	judged := make([]types.Consistency, len(ballots))
	majority, err := Majority(ballots, quorum)
	for i, ballot := range ballots {
		switch {
		case err != nil:
			judged[i] = types.Consistency_CONSISTENCY_UNDECIDABLE
		case ballot.Digest == majority:
			judged[i] = types.Consistency_CONSISTENCY_AGREE
		default:
			judged[i] = types.Consistency_CONSISTENCY_DISAGREE
		}
	}
	return judged
}
