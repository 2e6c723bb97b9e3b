package evidence

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// What every piece says of itself.
const (
	Note = "each supplier signed its answer and the session, but neither the question nor the time; a random id, in question and answer, binds them"
	// NoteREST is of questions that have no id.
	NoteREST = "each supplier signed its answer and the session, but neither the question nor the time; nothing binds answer and question"
)

// Sentinels of Of.
var (
	// ErrNoDisagreement is returned when nobody contradicted a majority in the round.
	ErrNoDisagreement = errors.New("no disagreement")
	// ErrUnkept is returned when somebody did, but the relays of both sides are not kept.
	ErrUnkept = errors.New("the relays of both sides are not kept")
)

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
		Proof:         api.EvidenceProofAnswerSigned,
	}
	for _, sample := range round.GetSamples() {
		if sample.GetConsistency() == types.Consistency_CONSISTENCY_UNSPECIFIED {
			continue
		}
		made.Votes = append(made.Votes, api.EvidenceVote{Servicer: sample.GetServicer(), ServiceURL: sample.GetServiceUrl(),
			Consistency: api.Agreement(sample.GetConsistency().Label()), Digest: hex.EncodeToString(sample.GetAnswerDigest())})
		if len(sample.GetRequestEnvelope()) == 0 || len(sample.GetResponseEnvelope()) == 0 {
			continue
		}
		if err := addSide(&made, sample); err != nil {
			return api.Evidence{}, fmt.Errorf("evidence of check %d: %w", round.GetIndex(), err)
		}
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

// addSide reads what is kept of a sample's relay and adds it.
func addSide(made *api.Evidence, sample *types.QoSSample) error {
	var kept protocol.AskedRelay
	if err := proto.Unmarshal(sample.GetRequestEnvelope(), &kept); err != nil {
		return fmt.Errorf("read what is kept of the request: %w", err)
	}
	exchange, err := protocol.ReadExchange(kept.GetRequest(), sample.GetResponseEnvelope())
	if err != nil {
		return err
	}
	sent, question, err := questionOf(exchange, sample.GetServiceUrl())
	if err != nil {
		return err
	}
	made.Request, made.Note = question, noteOf(sent)
	// A fisherman calls the relay chain by a name of its own; what is signed names the service.
	made.Session.RelayChain = exchange.Request.GetMeta().GetSessionHeader().GetServiceId()
	made.Sides = append(made.Sides, api.EvidenceSide{
		Servicer:    api.EvidenceParty{Address: sample.GetServicer(), PublicKey: hex.EncodeToString(kept.GetSupplierPublicKey())},
		Consistency: api.Agreement(sample.GetConsistency().Label()), Digest: hex.EncodeToString(sample.GetAnswerDigest()),
		SentAt: moment(sample.GetSentUnixNano()), Answer: asText(exchange.Body),
		RequestEnvelope: kept.GetRequest(), ResponseEnvelope: sample.GetResponseEnvelope(), KeyHeight: kept.GetKeyHeight(),
	})
	return nil
}

// questionOf returns what a supplier was sent, and as text what all suppliers were asked.
func questionOf(exchange *protocol.Exchange, serviceURL string) (sent types.Payload, text string, err error) {
	if sent, err = exchange.Sent(serviceURL); err != nil {
		return types.Payload{}, "", err
	}
	asked, err := protocol.Question(sent)
	if err != nil {
		return types.Payload{}, "", err
	}
	return sent, asText(verify.QuestionText(asked)), nil
}

func noteOf(sent types.Payload) string {
	if sent.REST != nil {
		return NoteREST
	}
	return Note
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
