package qos

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// mostIdentity bounds what a stranger says of its relay chain in a reason, in bytes.
const mostIdentity = 64

// MajorityIdentity returns the relay chain that most of those members say they are of that are not of another one; the
// first in order among equals, empty when none says any.
func MajorityIdentity(members []*types.QoSServicer) (majority string) {
	votes := make(map[string]int)
	for _, member := range members {
		if identity := member.GetChainIdentity(); identity != "" && member.GetStanding() != types.Standing_STANDING_OTHER_CHAIN {
			votes[identity]++
		}
	}
	for _, identity := range slices.Sorted(maps.Keys(votes)) {
		if votes[identity] > votes[majority] {
			majority = identity
		}
	}
	return majority
}

// otherChainReason says why a member is not asked: "other chain 137, most are on 1".
func otherChainReason(s *row) string {
	reason := "other chain"
	if s.ChainIdentity != nil {
		reason += " " + text.Line(*s.ChainIdentity, mostIdentity)
	}
	if s.majority == "" {
		return reason + " than most"
	}
	return reason + fmt.Sprintf(", most are on %s", text.Line(s.majority, mostIdentity))
}

// mostDetail bounds the detail of a sample in a reason, in bytes.
const mostDetail = 120

// directFailure continues the reason of an endpoint that does not answer: what it is instead of a node, if that is known, or
// what the last failure of its most frequent kind was.
func directFailure(s *row) string {
	switch s.Standing {
	case api.StandingNoNode:
		return ": it is no node of a chain that is known here"
	case api.StandingHTTP2Only:
		return ": it speaks HTTP/2 only, which is not spoken here"
	}
	most, detail := 0, ""
	for _, outcome := range slices.Sorted(maps.Keys(s.details)) {
		if n := s.Outcomes[outcome.Label()]; n > most {
			most, detail = n, s.details[outcome]
		}
	}
	if detail == "" {
		return ""
	}
	return ": " + text.Line(detail, mostDetail)
}
