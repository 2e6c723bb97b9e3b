package samples

import (
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Notice tells of a session: header, members and the rules it is judged by. It says nothing of samples, and shares
// nothing with the session.
func Notice(session *types.QoSSession) api.SessionNotice {
	header := session.GetHeader()
	notice := api.SessionNotice{
		ID:                 header.GetId(),
		Height:             header.GetStartHeight(),
		Blocks:             session.GetBlocks(),
		RelayChain:         header.GetRelayChain(),
		GeoZone:            header.GetGeoZone(),
		Application:        header.GetApplication(),
		ChecksPlanned:      int(session.GetChecksPlanned()),
		LatencySLA:         qos.OptionalMilliseconds(session.GetLatencySla()),
		NullSamplesAllowed: int(session.GetNullSamplesAllowed()),
		SamplesRequired:    int(session.GetSamplesRequired()),
		MaxLag:             session.GetMaxLag(),
		JoinedHeight:       session.GetJoinedHeight(),
		Joined:             qos.Moment(session.GetJoinedUnixNano()),
		Closed:             session.GetClosed(),
		Servicers:          make([]api.MemberNotice, 0, len(session.GetServicers())),
		Catalogue:          api.Optional(session.GetCatalogue()),
		Started:            qos.Moment(session.GetStartUnixNano()),
		Ended:              qos.Moment(session.GetEndUnixNano()),

		LaggingAllowed:       int(session.GetLaggingAllowed()),
		DisagreementsAllowed: int(session.GetDisagreementsAllowed()),
	}
	for _, servicer := range session.GetServicers() {
		notice.Servicers = append(notice.Servicers, api.MemberNotice{Address: servicer.GetAddress(), Servicer: servicer.GetAddress(), ServiceURL: servicer.GetServiceUrl(),
			Standing: api.Standing(servicer.GetStanding().Label()), ChainIdentity: api.Optional(servicer.GetChainIdentity()),
			ClientVersion: api.Optional(servicer.GetClientVersion()), Owner: api.Optional(servicer.GetOwner()),
			StakeUPOKT: api.Stake(servicer.GetStakeUpokt())})
	}
	return notice
}
