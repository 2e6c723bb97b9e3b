package local

import (
	"unique"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// facts are what a list says of a session, in little memory. They do not change.
type facts struct {
	// text is the id where it is not the hex digits of the id in keys.
	text                      string
	application, chain, zone  unique.Handle[string]
	startHeight, joinedHeight int64
	joined, start, end        int64
	blocks                    int64
	planned                   uint32
	closed                    bool
	members                   []unique.Handle[string]
}

// factsOf returns the facts of a session.
func factsOf(session *types.QoSSession) *facts {
	header := session.GetHeader()
	made := &facts{application: unique.Make(header.GetApplication()), chain: unique.Make(header.GetRelayChain()), zone: unique.Make(header.GetGeoZone()),
		startHeight: header.GetStartHeight(), joinedHeight: session.GetJoinedHeight(), joined: session.GetJoinedUnixNano(),
		start: session.GetStartUnixNano(), end: session.GetEndUnixNano(), blocks: session.GetBlocks(), planned: session.GetChecksPlanned(),
		closed: session.GetClosed()}
	if types.ValidateSessionID(header.GetId()) != nil {
		made.text = header.GetId()
	}
	if len(session.GetServicers()) > 0 {
		made.members = make([]unique.Handle[string], 0, len(session.GetServicers()))
		for _, member := range session.GetServicers() {
			made.members = append(made.members, unique.Make(member.GetAddress()))
		}
	}
	return made
}

// session returns a session with these facts and nothing else.
func (f *facts) session(id sessionID) *types.QoSSession {
	text := f.text
	if text == "" {
		text = id.text()
	}
	return &types.QoSSession{
		Header: &types.SessionHeader{Id: text, StartHeight: f.startHeight, RelayChain: f.chain.Value(), GeoZone: f.zone.Value(),
			Application: f.application.Value()},
		Blocks: f.blocks, ChecksPlanned: f.planned, Closed: f.closed, JoinedHeight: f.joinedHeight, JoinedUnixNano: f.joined,
		StartUnixNano: f.start, EndUnixNano: f.end,
	}
}
