package rpc

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// fakeRounds has rounds 0, 1 and 3 of one session.
type fakeRounds struct{}

func (fakeRounds) Rounds(_ context.Context, filter samples.RoundFilter) (api.RoundPage, error) {
	switch {
	case filter.SessionID != knownSession:
		return api.RoundPage{}, modules.ErrUnknownSession
	case filter.Servicer != "" && filter.Servicer != knownServicer:
		return api.RoundPage{}, samples.ErrUnknownServicer
	}
	page := api.RoundPage{Session: knownSession, Stored: 3}
	for _, index := range []uint32{0, 1, 3} {
		switch {
		case index < filter.From:
		case len(page.Rounds) == filter.Limit:
			page.Next = &index
			return page, nil
		default:
			page.Rounds = append(page.Rounds, roundAt(index))
		}
	}
	return page, nil
}

func roundAt(index uint32) api.Round {
	planned, rtt, skew := time.Unix(1_700_000_000, 123).UTC(), 12.345, int64(104)
	agree, kernel, digest := api.AgreementAgree, api.TimingSourceKernel, strings.Repeat("cd", 32)
	round := api.Round{Session: knownSession, Index: index, Status: "DONE", Planned: &planned, Released: &planned, SkewMicros: &skew,
		Question: "block height=12", Kind: api.RoundKindSettled, Form: api.CompareFormJSON, Samples: []api.Sample{{Servicer: knownServicer, ServiceURL: "http://servicer.example:8080",
			Outcome: "OK", Consistency: &agree, Sent: &planned, RoundTripTime: &rtt, TimeToFirstByte: &rtt, UserRoundTripTime: &rtt,
			Timing: &kernel, Reused: true, AnswerDigest: &digest}}}
	round.AddWords()
	round.Samples[0].AddWords()
	return round
}

// A page ends by its bytes too, and says where the next begins.
func TestPagesOfRoundsAreBounded(t *testing.T) {
	page := api.RoundPage{Session: knownSession, Stored: 1000}
	for index := range uint32(1000) {
		round := roundAt(2 * index)
		round.Reason = strings.Repeat("x", 64<<10)
		page.Rounds = append(page.Rounds, round)
	}
	view, err := bounded(page)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(view)
	if err != nil || len(encoded) > maximumRoundBytes+(128<<10) || len(encoded) < maximumRoundBytes {
		t.Errorf("%d bytes, %v", len(encoded), err)
	}
	if view.Next == nil || *view.Next != uint32(2*len(view.Rounds)) || view.Stored != 1000 {
		t.Errorf("%d rounds, next %v", len(view.Rounds), view.Next)
	}
}
