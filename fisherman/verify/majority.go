package verify

import (
	"errors"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// ErrNoMajority is returned when there are fewer voters than the quorum, or no answer leads.
var ErrNoMajority = errors.New("no majority")

// Ballot is one servicer's answer and where it came from.
type Ballot struct {
	// Origin is where the answer came from, as the caller counts: a number from 0. Servicers behind one origin have one vote together, so
	// that an operator with many of them cannot outvote the others.
	Origin int
	// Voter has the vote of the origin.
	Voter  Voter
	Digest Digest
}

// Majority is the answer that more voters give than give another one, given at least quorum voters. An origin whose
// servicers contradict each other is not counted. Errors: ErrNoMajority.
func Majority(ballots []Ballot, quorum int) (Digest, error) {
	origins, voters := 0, 0
	for _, ballot := range ballots {
		origins, voters = max(origins, ballot.Origin+1), max(voters, int(ballot.Voter)+1)
	}
	first, split := make([]*Ballot, origins), make([]bool, origins)
	for i := range ballots {
		ballot := &ballots[i]
		if before := first[ballot.Origin]; before == nil {
			first[ballot.Origin] = ballot
		} else if before.Digest != ballot.Digest {
			split[ballot.Origin] = true
		}
	}
	poll := NewPoll[Digest](voters)
	for origin, vote := range first {
		if vote != nil && !split[origin] {
			poll.Add(vote.Voter, vote.Digest)
		}
	}
	if poll.Voters() < quorum {
		return Digest{}, ErrNoMajority
	}
	for digest := range poll.Answers() {
		if poll.Leads(digest) {
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
