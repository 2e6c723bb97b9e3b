package fisherman

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// fleet checks the same servicers again and again, as a fisherman does: connections stay open between rounds.
type fleet struct {
	b      *testing.B
	policy Policy
	seal   Seal
	dial   Dial
	links  *links
	actors []*types.Actor
}

func newFleet(b *testing.B, actors []*types.Actor) *fleet {
	b.Helper()
	_, roots := farCertificate()
	f := &fleet{
		b:      b,
		policy: testPolicy(),
		seal:   (&relay.Protocol{Key: fishermanKey, Now: time.Now}).Seal,
		dial:   (&relay.Dialer{AllowPrivate: true, RootCAs: roots}).Dial,
		links:  &links{},
		actors: actors,
	}
	b.Cleanup(f.links.close)
	return f
}

// check carries out a round now.
func (f *fleet) check() *types.QoSRound {
	one := &round{
		order: order{
			lead:     longestLead,
			session:  sessionOf(10, 10, 12, f.actors...),
			policy:   f.policy,
			due:      time.Now(),
			question: testQuestion(f.b),
		},
		seal:  f.seal,
		dial:  f.dial,
		links: f.links,
	}
	return one.judge(context.Background(), one.execute(context.Background()))
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
		if answered(sample) && sample.GetReusedConnection() {
			found = append(found, sample)
		}
	}
	return found
}
