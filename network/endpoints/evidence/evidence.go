package evidence

import (
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Note is what every piece says of itself.
const Note = "unsigned: shows what we received, proves it to nobody"

// Sentinels of Of.
var (
	// ErrNoDisagreement is returned when nobody contradicted a majority in the round.
	ErrNoDisagreement = errors.New("no disagreement")
	// ErrUnkept is returned when somebody did, but the answers of both sides are not there.
	ErrUnkept = errors.New("the answers of both sides are not kept")
)

// Request returns what is kept of a question as evidence: what was asked, and nothing of whom or how. It has no URL, no
// header and no key.
func Request(payload types.Payload) []byte {
	if rest := payload.REST; rest != nil {
		payload.REST = &types.RESTPayload{Method: rest.GetMethod(), Path: rest.GetPath(), Body: rest.GetBody()}
	}
	return verify.QuestionText(payload)
}

// Of makes the evidence of a stored round. Errors: ErrNoDisagreement, ErrUnkept.
func Of(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
	header := session.GetHeader()
	made := api.Evidence{
		Session: api.EvidenceSession{ID: header.GetId(), StartHeight: header.GetStartHeight(), RelayChain: header.GetRelayChain(),
			GeoZone: header.GetGeoZone(), Application: header.GetApplication()},
		Check:         round.GetIndex(),
		PlannedAt:     moment(round.GetPlannedUnixNano()),
		AskedAt:       moment(round.GetReleasedUnixNano()),
		Question:      round.GetQuestion(),
		Rule:          verify.RuleOf(round.GetForm()),
		IgnoredFields: append([]string{}, round.GetIgnoredFields()...),
		Votes:         []api.EvidenceVote{},
		Sides:         []api.EvidenceSide{},
		Proof:         api.EvidenceProofUnsigned,
		Note:          Note,
	}
	for _, sample := range round.GetSamples() {
		if sample.GetConsistency() == types.Consistency_CONSISTENCY_UNSPECIFIED {
			continue
		}
		agreement, digest := api.Agreement(sample.GetConsistency().Label()), hex.EncodeToString(sample.GetAnswerDigest())
		made.Votes = append(made.Votes, api.EvidenceVote{Servicer: sample.GetServicer(), ServiceURL: origin(sample.GetServiceUrl()),
			Consistency: agreement, Digest: digest})
		if len(sample.GetRequestEnvelope()) == 0 || len(sample.GetResponseEnvelope()) == 0 {
			continue
		}
		made.Request = asText(sample.GetRequestEnvelope())
		made.Sides = append(made.Sides, api.EvidenceSide{
			Servicer: api.EvidenceParty{Address: sample.GetServicer()}, Consistency: agreement, Digest: digest,
			SentAt: moment(sample.GetSentUnixNano()), Answer: asText(sample.GetResponseEnvelope()),
			RequestEnvelope: sample.GetRequestEnvelope(), ResponseEnvelope: sample.GetResponseEnvelope(),
		})
	}
	kept := func(agreement api.Agreement) bool {
		return slices.ContainsFunc(made.Sides, func(s api.EvidenceSide) bool { return s.Consistency == agreement })
	}
	switch {
	case !slices.ContainsFunc(made.Votes, func(v api.EvidenceVote) bool { return v.Consistency == api.AgreementDisagree }):
		return api.Evidence{}, ErrNoDisagreement
	case !kept(api.AgreementAgree) || !kept(api.AgreementDisagree):
		return api.Evidence{}, ErrUnkept
	}
	return made, nil
}

// origin is scheme and host of a URL, whatever else it has.
func origin(serviceURL string) string {
	parsed, err := url.Parse(serviceURL)
	if err != nil {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

// moment writes nanoseconds since the Unix epoch; empty for none.
func moment(unixNano int64) string {
	if unixNano == 0 {
		return ""
	}
	return time.Unix(0, unixNano).UTC().Format(time.RFC3339Nano)
}

// asText is what was asked or answered as a JSON string can hold it.
func asText(payload []byte) string { return strings.ToValidUTF8(string(payload), "\uFFFD") }
