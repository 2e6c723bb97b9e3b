package measured

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Plan says what was measured.
type Plan struct {
	Seed uint64
	// RelayChain, or group; "measured" when empty.
	RelayChain string
	GeoZone    string
	// Servicers in each session; 6 when 0.
	Servicers int
	// Interval between two checks; a minute when 0.
	Interval time.Duration
	// Session is how long a session is; an hour when 0.
	Session time.Duration
	// From and To bound the time. Sessions begin at multiples of Session after From.
	From, To time.Time
	// Steady leaves out the times in which the fisherman did not run.
	Steady bool
}

// Bounds of what sessions demand.
const (
	sla    = 300 * time.Millisecond
	maxLag = 5
)

// completed returns the plan with its defaults.
func (p Plan) completed() Plan {
	if p.RelayChain == "" {
		p.RelayChain = "measured"
	}
	if p.Servicers == 0 {
		p.Servicers = 6
	}
	if p.Interval == 0 {
		p.Interval = time.Minute
	}
	if p.Session == 0 {
		p.Session = time.Hour
	}
	return p
}

// Sessions returns the sessions, oldest first, each with its rounds, closed.
func (p Plan) Sessions() iter.Seq2[*types.QoSSession, []*types.QoSRound] {
	p = p.completed()
	return func(yield func(*types.QoSSession, []*types.QoSRound) bool) {
		random := rand.New(rand.NewPCG(p.Seed, 1))
		crew := p.crew(random)
		for begins := p.From; begins.Before(p.To); begins = begins.Add(p.Session) {
			away := !p.Steady && random.IntN(60) == 0
			session := p.session(begins, crew)
			rounds := p.rounds(random, session, begins, crew)
			if !away && !yield(session, rounds) {
				return
			}
		}
	}
}

// member is a servicer with its habits.
type member struct {
	address, url string
	// median and spread of its times; failing and lagging are the shares of checks.
	median          time.Duration
	spread          float64
	failing, behind float64
	// down is when its outage ends.
	down time.Time
	warm bool
}

// crew makes the servicers: most are well, some are slow, some fail, some are behind.
func (p Plan) crew(random *rand.Rand) []*member {
	crew := make([]*member, p.Servicers)
	for i := range crew {
		crew[i] = &member{address: fmt.Sprintf("servicer-%04d", i), url: fmt.Sprintf("https://servicer-%04d.example", i),
			median: time.Duration(20+random.IntN(120)) * time.Millisecond, spread: 0.2 + 0.4*random.Float64(),
			failing: 0.002, behind: 0.002, warm: random.IntN(10) > 0}
		switch i % 8 {
		case 3:
			crew[i].median *= 4
		case 5:
			crew[i].failing = 0.06
		case 7:
			crew[i].behind = 0.3
		}
	}
	return crew
}

// session makes one that begins at a moment.
func (p Plan) session(begins time.Time, crew []*member) *types.QoSSession {
	id := sha256.Sum256(fmt.Appendf(nil, "%d %s %s %d", p.Seed, p.RelayChain, p.GeoZone, begins.UnixNano()))
	session := &types.QoSSession{
		Header: &types.SessionHeader{Id: hex.EncodeToString(id[:]), StartHeight: begins.Unix(), RelayChain: p.RelayChain,
			GeoZone: p.GeoZone, Application: p.RelayChain},
		Blocks:         int64(p.Session / time.Second),
		ChecksPlanned:  uint32(p.Session / p.Interval),
		LatencySla:     durationpb.New(sla),
		MaxLag:         maxLag,
		Closed:         true,
		JoinedUnixNano: begins.UnixNano(), JoinedHeight: begins.Unix(),
		StartUnixNano: begins.UnixNano(), EndUnixNano: begins.Add(p.Session).UnixNano(),
		NullSamplesAllowed: 2, SamplesRequired: 3, LaggingAllowed: 1, Catalogue: "evm-values",
	}
	for _, m := range crew {
		session.Servicers = append(session.Servicers, &types.QoSServicer{Address: m.address, ServiceUrl: m.url})
	}
	return session
}

// rounds makes those of a session.
func (p Plan) rounds(random *rand.Rand, session *types.QoSSession, begins time.Time, crew []*member) []*types.QoSRound {
	rounds := make([]*types.QoSRound, session.GetChecksPlanned())
	for i := range rounds {
		due := begins.Add(time.Duration(i) * p.Interval).Add(time.Duration(random.Int64N(int64(p.Interval))))
		round := &types.QoSRound{SessionId: session.GetHeader().GetId(), Index: uint32(i), PlannedUnixNano: due.UnixNano(),
			Status: types.RoundStatus_ROUND_STATUS_DONE, Question: "eth_getBlockByNumber"}
		rounds[i] = round
		fate := random.IntN(1000)
		if fate < 4 {
			round.Status, round.Cause = types.RoundStatus_ROUND_STATUS_DROPPED, types.Cause_CAUSE_OVERTAKEN
			continue
		}
		round.ReleasedUnixNano = due.Add(time.Duration(random.IntN(900)) * time.Microsecond).UnixNano()
		round.Skew = durationpb.New(time.Duration(random.IntN(300)) * time.Microsecond)
		if fate < 14 {
			round.Status, round.Cause = types.RoundStatus_ROUND_STATUS_VOID, types.Cause_CAUSE_STALL
		}
		if random.IntN(5) == 0 {
			round.Kind = types.RoundKind_ROUND_KIND_HEAD
		}
		for _, m := range crew {
			round.Samples = append(round.Samples, m.sample(random, round))
		}
	}
	return rounds
}

// sample makes what a servicer did with a check.
func (m *member) sample(random *rand.Rand, round *types.QoSRound) *types.QoSSample {
	at := time.Unix(0, round.GetReleasedUnixNano())
	sample := &types.QoSSample{Servicer: m.address, ServiceUrl: m.url, SentUnixNano: round.GetReleasedUnixNano(),
		ReusedConnection: m.warm && random.IntN(50) > 0}
	if at.After(m.down) && random.IntN(5000) == 0 {
		m.down = at.Add(time.Duration(5+random.IntN(120)) * time.Minute)
	}
	switch {
	case round.GetStatus() == types.RoundStatus_ROUND_STATUS_VOID, random.IntN(500) == 0:
		sample.Outcome = types.Outcome_OUTCOME_VOID
		return sample
	case random.IntN(700) == 0:
		sample.Outcome = types.Outcome_OUTCOME_THROTTLED
		return sample
	case at.Before(m.down):
		sample.Outcome, sample.Blame = types.Outcome_OUTCOME_CONNECT, types.Blame_BLAME_SERVICER
		return sample
	case random.Float64() < m.failing:
		sample.Outcome = []types.Outcome{types.Outcome_OUTCOME_TIMEOUT, types.Outcome_OUTCOME_BACKEND_ERROR, types.Outcome_OUTCOME_MISSING}[random.IntN(3)]
		sample.Blame = types.Blame_BLAME_BACKEND
		return sample
	}
	sample.Outcome = types.Outcome_OUTCOME_OK
	// Slower in the evening, as links are.
	daily := 1 + 0.3*math.Sin(2*math.Pi*float64(at.Hour()*60+at.Minute())/1440)
	elapsed := time.Duration(float64(m.median) * daily * math.Exp(m.spread*random.NormFloat64()))
	sample.RoundTripTime, sample.OverSla = durationpb.New(elapsed), elapsed > sla
	sample.Large = random.IntN(300) == 0
	if round.GetKind() == types.RoundKind_ROUND_KIND_HEAD {
		m.claim(random, sample)
		return sample
	}
	sample.Consistency = types.Consistency_CONSISTENCY_AGREE
	if unlikely := random.IntN(2000); unlikely == 0 {
		sample.Consistency = types.Consistency_CONSISTENCY_DISAGREE
	} else if unlikely < 20 {
		sample.Consistency = types.Consistency_CONSISTENCY_UNDECIDABLE
	}
	return sample
}

// claim gives a sample a head.
func (m *member) claim(random *rand.Rand, sample *types.QoSSample) {
	lag := int64(random.IntN(2))
	if random.Float64() < m.behind {
		lag = 2 + int64(random.ExpFloat64()*40)
	}
	sample.Lag, sample.LagTime = &lag, durationpb.New(time.Duration(lag)*12*time.Second)
}

// Store takes what was measured.
type Store interface {
	PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error
}

// Fill puts what was measured into a store, session by session.
func (p Plan) Fill(ctx context.Context, store Store) error {
	for session, rounds := range p.Sessions() {
		for _, err := range store.PutAll(ctx, []*types.QoSSession{session}, rounds) {
			if err != nil {
				return fmt.Errorf("fill store: %w", err)
			}
		}
	}
	return nil
}
