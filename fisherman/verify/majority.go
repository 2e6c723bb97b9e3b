package verify

import (
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrNoMajority is returned when there are fewer voters than the quorum, or no answer leads.
var ErrNoMajority = errors.New("no majority")

// Ballot is one servicer's answer and where it came from.
type Ballot struct {
	// Origin is where the answer came from, as the caller counts. Servicers behind one origin have one vote together, so
	// that an operator with many of them cannot outvote the others.
	Origin string
	// Voter has the vote of the origin.
	Voter  Voter
	Digest Digest
}

// Majority is the answer that more voters give than give another one, given at least quorum voters. An origin whose
// servicers contradict each other is not counted. Errors: ErrNoMajority.
func Majority(ballots []Ballot, quorum int) (Digest, error) {
	votes := make(map[string]Ballot, len(ballots))
	split := make(map[string]bool)
	for _, ballot := range ballots {
		first, voted := votes[ballot.Origin]
		if voted && first.Digest != ballot.Digest {
			split[ballot.Origin] = true
		}
		votes[ballot.Origin] = ballot
	}
	poll := NewPoll[Digest](len(votes))
	for origin, vote := range votes {
		if !split[origin] {
			poll.Add(vote.Voter, vote.Digest)
		}
	}
	if poll.Voters() < quorum {
		return Digest{}, ErrNoMajority
	}
	for _, vote := range votes {
		if poll.Leads(vote.Digest) {
			return vote.Digest, nil
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
