package local

import (
	"unique"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// facts are what a list says of a session. They do not change.
type facts struct {
	// session has when it is, of whom, and nothing else.
	session *types.QoSSession
	members []unique.Handle[string]
}

// factsOf returns the facts of a session.
func factsOf(session *types.QoSSession) *facts {
	header := session.GetHeader()
	made := &facts{session: &types.QoSSession{
		Header: &types.SessionHeader{Id: header.GetId(), StartHeight: header.GetStartHeight(), RelayChain: shared(header.GetRelayChain()),
			GeoZone: shared(header.GetGeoZone()), Application: shared(header.GetApplication())},
		Blocks: session.GetBlocks(), ChecksPlanned: session.GetChecksPlanned(), Closed: session.GetClosed(),
		JoinedHeight: session.GetJoinedHeight(), JoinedUnixNano: session.GetJoinedUnixNano(),
		StartUnixNano: session.GetStartUnixNano(), EndUnixNano: session.GetEndUnixNano(),
	}}
	if len(session.GetServicers()) > 0 {
		made.members = make([]unique.Handle[string], 0, len(session.GetServicers()))
		for _, member := range session.GetServicers() {
			made.members = append(made.members, unique.Make(member.GetAddress()))
		}
	}
	return made
}

// shared returns a text that many sessions have, once in memory.
func shared(text string) string { return unique.Make(text).Value() }
