package qos

import (
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// SessionNotice is a session as the fisherman took it up: header, members and the rules it is judged by. It says nothing
// of samples; Report does.
type SessionNotice struct {
	// ID of the session, 64 hex digits.
	ID string `json:"id"`
	// Height is the session's first height; it has as many Blocks.
	Height     int64  `json:"height"`
	Blocks     int64  `json:"blocks"`
	RelayChain string `json:"relay_chain"`
	GeoZone    string `json:"geo_zone"`
	// Application is the address that the session serves.
	Application   string `json:"application"`
	ChecksPlanned uint32 `json:"checks_planned"`
	// LatencySLA in milliseconds.
	LatencySLA *float64 `json:"latency_sla_ms"`
	// More null samples than NullSamplesAllowed make a servicer unavailable; fewer samples than SamplesRequired leave its
	// verdict unknown.
	NullSamplesAllowed uint32 `json:"null_samples_allowed"`
	SamplesRequired    uint32 `json:"samples_required"`
	// JoinedHeight is the newest height, and Joined the moment, when the fisherman took the session up.
	JoinedHeight int64      `json:"joined_height"`
	Joined       *time.Time `json:"joined"`
	// Closed: every planned check is done, void or dropped.
	Closed bool `json:"closed"`
	// Servicers that were members at any height of the session so far.
	Servicers []MemberNotice `json:"servicers"`
}

// MemberNotice is a servicer of a session.
type MemberNotice struct {
	Address    string `json:"address"`
	ServiceURL string `json:"service_url"`
}

// NoticeSession makes a notice of a session. It shares nothing with it.
func NoticeSession(session *types.QoSSession) SessionNotice {
	header := session.GetHeader()
	notice := SessionNotice{
		ID:                 header.GetId(),
		Height:             header.GetStartHeight(),
		Blocks:             session.GetBlocks(),
		RelayChain:         header.GetRelayChain(),
		GeoZone:            header.GetGeoZone(),
		Application:        header.GetApplication(),
		ChecksPlanned:      session.GetChecksPlanned(),
		LatencySLA:         millisecondsOf(session.GetLatencySla()),
		NullSamplesAllowed: session.GetNullSamplesAllowed(),
		SamplesRequired:    session.GetSamplesRequired(),
		JoinedHeight:       session.GetJoinedHeight(),
		Joined:             moment(session.GetJoinedUnixNano()),
		Closed:             session.GetClosed(),
		Servicers:          make([]MemberNotice, 0, len(session.GetServicers())),
	}
	for _, servicer := range session.GetServicers() {
		notice.Servicers = append(notice.Servicers, MemberNotice{servicer.GetAddress(), servicer.GetServiceUrl()})
	}
	return notice
}
