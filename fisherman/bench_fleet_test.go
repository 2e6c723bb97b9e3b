package fisherman

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

// AskAs returns the Ask of our own chain's network, for a signer; bench_network_test.go sets it.
var AskAs func(crypto.PrivateKey) round.Ask

// fleet checks the same servicers again and again, as a fisherman does: connections stay open between rounds.
type fleet struct {
	b      *testing.B
	policy Policy
	ask    round.Ask
	dial   Dial
	pool   *wire.Pool
	room   *wire.Room
	actors []*types.Actor
}

func newFleet(b *testing.B, actors []*types.Actor) *fleet {
	b.Helper()
	_, roots := farCertificate()
	f := &fleet{
		b:      b,
		policy: testPolicy(),
		ask:    AskAs(fishermanKey),
		dial:   (&wire.Dialer{AllowPrivate: true, RootCAs: roots}).Dial,
		pool:   &wire.Pool{},
		room:   wire.NewRoom(mostAnswers),
		actors: actors,
	}
	b.Cleanup(f.pool.Close)
	return f
}

// check carries out a round now.
func (f *fleet) check() *types.QoSRound {
	runner := round.Runner{Ask: f.ask, Dial: f.dial, Pool: f.pool, Room: f.room}
	record, _ := judge.Round(runner.Run(context.Background(), round.Spec{
		Session:  sessionOf(10, 10, 12, f.actors...),
		Question: testQuestion(f.b),
		Due:      time.Now(),
		Lead:     round.LongestLead,
		Timeout:  f.policy.Timeout,
	}), &f.policy.Rules)
	return record
}

// warm makes the connections, and fails if an honest servicer does not answer over them.
func (f *fleet) warm() {
	f.b.Helper()
	f.check()
	for range 10 {
		record := f.check()
		if !slices.ContainsFunc(record.GetSamples(), func(s *types.QoSSample) bool { return len(s.GetAnswerDigest()) == 0 }) {
			return
		}
	}
	f.b.Fatal("the servicers do not answer")
}

// answers are a round's samples that count in its quantiles.
func answers(record *types.QoSRound) []*types.QoSSample {
	var found []*types.QoSSample
	for _, sample := range record.GetSamples() {
		if sample.GetOutcome() == types.Outcome_OUTCOME_OK && sample.GetReusedConnection() {
			found = append(found, sample)
		}
	}
	return found
}
