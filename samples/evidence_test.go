package samples

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

func unsigned(piece api.Evidence) bool { return piece.Signature != "signed" }

// disputes is a reader of sessions a to d of three checks each; "liar" contradicts "always" in the first two, and in the
// third of session d its envelopes are not kept.
func disputes() *Reader {
	store := newMemory()
	for i, letter := range []string{"a", "b", "c", "d"} {
		store.sessions = append(store.sessions, &types.QoSSession{Header: &types.SessionHeader{Id: id(letter), StartHeight: int64(10 * i)}})
		for check := range uint32(3) {
			round := &types.QoSRound{SessionId: id(letter), Index: check, Samples: []*types.QoSSample{
				{Servicer: always, Consistency: types.Consistency_CONSISTENCY_AGREE, ResponseEnvelope: []byte("1")},
				{Servicer: liar, Consistency: types.Consistency_CONSISTENCY_DISAGREE, ResponseEnvelope: []byte("2")},
			}}
			switch {
			case check == 2 && letter == "d":
				round.Samples[1].ResponseEnvelope = nil
			case check == 2:
				round.Samples = round.Samples[:1]
			}
			store.put(round)
		}
	}
	return NewReader(store, NewRolling(), Prover{
		Of: func(session *types.QoSSession, round *types.QoSRound) (api.Evidence, error) {
			switch samples := round.GetSamples(); {
			case len(samples) == 1:
				return api.Evidence{}, ErrNoDisagreement
			case samples[1].GetResponseEnvelope() == nil:
				return api.Evidence{}, ErrUnkept
			}
			return api.Evidence{Session: api.EvidenceSession{ID: session.GetHeader().GetId()}, Check: round.GetIndex()}, nil
		},
		Sign: func(piece *api.Evidence) error {
			piece.Signature = "signed"
			return nil
		},
	})
}

// places lists a page's checks, as in "d1 d0", and where the next begins.
func places(page api.EvidencePage) (text string) {
	for _, piece := range page.Evidence {
		text += fmt.Sprintf("%s%d ", piece.Session.ID[:1], piece.Check)
	}
	if page.Next != nil {
		text += fmt.Sprintf("before %s%d ", page.Next.Session[:1], page.Next.Check)
	}
	if page.Unkept > 0 {
		text += fmt.Sprintf("unkept %d ", page.Unkept)
	}
	return text
}

func TestEvidenceAdmitsWhatTheFilterSays(t *testing.T) {
	reader, one, seven := disputes(), uint32(1), uint32(7)
	for _, test := range []struct {
		name   string
		filter EvidenceFilter
		want   string
		err    error
	}{
		{name: "newest first", filter: EvidenceFilter{Limit: 100}, want: "d1 d0 c1 c0 b1 b0 a1 a0 unkept 1 "},
		{name: "first page", filter: EvidenceFilter{Limit: 3}, want: "d1 d0 c1 before c1 unkept 1 "},
		{name: "next page", filter: EvidenceFilter{Limit: 3, Before: &api.EvidencePlace{Session: id("c"), Check: 1}}, want: "c0 b1 b0 before b0 "},
		{name: "last page", filter: EvidenceFilter{Limit: 2, Before: &api.EvidencePlace{Session: id("b"), Check: 0}}, want: "a1 a0 "},
		{name: "nothing older", filter: EvidenceFilter{Limit: 2, Before: &api.EvidencePlace{Session: id("a"), Check: 0}}},
		{name: "pruned meanwhile", filter: EvidenceFilter{Limit: 2, Before: &api.EvidencePlace{Session: id("0"), Check: 0}}},
		{name: "one session", filter: EvidenceFilter{Limit: 9, SessionID: id("b")}, want: "b1 b0 "},
		{name: "one check", filter: EvidenceFilter{Limit: 9, Check: &one}, want: "d1 c1 b1 a1 "},
		{name: "no such check", filter: EvidenceFilter{Limit: 9, Check: &seven}},
		{name: "the liar's", filter: EvidenceFilter{Limit: 2, Servicer: liar}, want: "d1 d0 before d0 unkept 1 "},
		{name: "a stranger's", filter: EvidenceFilter{Limit: 2, Servicer: late}},
		{name: "unknown session", filter: EvidenceFilter{Limit: 2, SessionID: id("0")}, err: modules.ErrUnknownSession},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := reader.Evidence(t.Context(), test.filter)
			if !errors.Is(err, test.err) || places(page) != test.want || slices.ContainsFunc(page.Evidence, unsigned) {
				t.Errorf("%q, %v; want %q, %v", places(page), err, test.want, test.err)
			}
		})
	}
}
