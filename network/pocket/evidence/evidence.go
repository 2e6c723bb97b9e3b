package evidence

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// Sentinels of Of.
var (
	// ErrNoDisagreement is returned when nobody contradicted a majority in the round.
	ErrNoDisagreement = errors.New("no disagreement")
	// ErrUnkept is returned when somebody did, but the envelopes of both sides are not there.
	ErrUnkept = errors.New("the envelopes of both sides are not kept")
)

// Of makes the evidence of a stored round, not signed yet. Errors: ErrNoDisagreement, ErrUnkept.
func Of(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
	made := api.Evidence{
		Session:       sessionOf(session.GetHeader()),
		Check:         round.GetIndex(),
		PlannedAt:     moment(round.GetPlannedUnixNano()),
		AskedAt:       moment(round.GetReleasedUnixNano()),
		Question:      round.GetQuestion(),
		Rule:          verify.RuleOf(round.GetForm()),
		IgnoredFields: append([]string{}, round.GetIgnoredFields()...),
		Votes:         []api.EvidenceVote{},
		Sides:         []api.EvidenceSide{},
	}
	found := make(map[types.Consistency]bool)
	for _, sample := range round.GetSamples() {
		consistency := sample.GetConsistency()
		if consistency == types.Consistency_CONSISTENCY_UNSPECIFIED {
			continue
		}
		made.Votes = append(made.Votes, api.EvidenceVote{Servicer: sample.GetServicer(), ServiceURL: sample.GetServiceUrl(),
			Consistency: api.Agreement(consistency.Label()), Digest: hex.EncodeToString(sample.GetAnswerDigest())})
		if len(sample.GetResponseEnvelope()) == 0 {
			continue
		}
		if err := addSide(&made, sample); err != nil {
			return api.Evidence{}, fmt.Errorf("evidence of check %d: %w", round.GetIndex(), err)
		}
		found[consistency] = true
	}
	switch {
	case !slices.ContainsFunc(made.Votes, func(v api.EvidenceVote) bool { return v.Consistency == api.AgreementDisagree }):
		return api.Evidence{}, ErrNoDisagreement
	case !found[types.Consistency_CONSISTENCY_AGREE] || !found[types.Consistency_CONSISTENCY_DISAGREE]:
		return api.Evidence{}, ErrUnkept
	}
	return made, nil
}

// addSide opens a sample's envelopes and adds what is in them.
func addSide(made *api.Evidence, sample *types.QoSSample) error {
	request, err := relay.OpenRequest(sample.GetRequestEnvelope())
	if err != nil {
		return fmt.Errorf("open request: %w", err)
	}
	var outer types.Envelope
	var response types.RelayResponse
	if err := proto.Unmarshal(sample.GetResponseEnvelope(), &outer); err != nil {
		return fmt.Errorf("open response: %w", err)
	}
	if err := proto.Unmarshal(outer.GetBody(), &response); err != nil {
		return fmt.Errorf("open response: %w", err)
	}
	question := verify.QuestionText(types.PayloadOf(request.Request))
	if len(question) == 0 {
		return ErrUnkept
	}
	made.Request = asText(question)
	made.Fisherman = partyOf(request.Signature.GetPublicKey())
	made.Sides = append(made.Sides, api.EvidenceSide{
		Servicer:         partyOf(outer.GetSignature().GetPublicKey()),
		Consistency:      api.Agreement(sample.GetConsistency().Label()),
		Digest:           hex.EncodeToString(sample.GetAnswerDigest()),
		SentAt:           moment(sample.GetSentUnixNano()),
		Answer:           asText(response.GetPayload()),
		RequestEnvelope:  sample.GetRequestEnvelope(),
		ResponseEnvelope: sample.GetResponseEnvelope(),
	})
	return nil
}

// Sign puts the fisherman's signature under a piece.
func Sign(key crypto.PrivateKey, piece *api.Evidence) error {
	text, err := signed(*piece)
	if err != nil {
		return fmt.Errorf("sign evidence: %w", err)
	}
	piece.Signature = hex.EncodeToString(key.Sign(crypto.DomainEvidence, text))
	return nil
}

// signed is what a piece's signature stands over: its canonical JSON without the signature.
func signed(piece api.Evidence) ([]byte, error) {
	text, err := json.Marshal(piece)
	if err != nil {
		return nil, err
	}
	return verify.Canonical(text, []types.Pointer{{"signature"}})
}

// Compared are the answers of a piece's sides for people, in the form in which they were compared: what differs, differs
// in the answers. One that has no such form is as it came.
func Compared(piece api.Evidence) []string {
	pointers, _ := types.ParsePointers(piece.IgnoredFields) // without them more is shown
	for i, pointer := range pointers {
		if verify.QuestionOf([]byte(piece.Request)).REST == nil {
			pointers[i] = append(types.Pointer{"result"}, pointer...)
		}
	}
	texts := make([]string, len(piece.Sides))
	for i, side := range piece.Sides {
		texts[i] = side.Answer
		if form, err := verify.Canonical([]byte(side.Answer), pointers); err == nil {
			texts[i] = string(form)
		}
	}
	return texts
}

func sessionOf(header *types.SessionHeader) api.EvidenceSession {
	return api.EvidenceSession{
		ID:          header.GetId(),
		StartHeight: header.GetStartHeight(),
		RelayChain:  header.GetRelayChain(),
		GeoZone:     header.GetGeoZone(),
		Application: header.GetApplication(),
	}
}

func partyOf(publicKey []byte) api.EvidenceParty {
	return api.EvidenceParty{Address: crypto.Address(publicKey), PublicKey: hex.EncodeToString(publicKey)}
}

// moment writes nanoseconds since the Unix epoch; empty for none.
func moment(unixNano int64) string {
	if unixNano == 0 {
		return ""
	}
	return time.Unix(0, unixNano).UTC().Format(time.RFC3339Nano)
}

// asText is a payload as a JSON string can hold it.
func asText(payload []byte) string { return strings.ToValidUTF8(string(payload), "\uFFFD") }
