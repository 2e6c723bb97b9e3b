package round_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/network/pocket"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/wire"
)

const (
	blamesServicer = types.Blame_BLAME_SERVICER
	blamesBackend  = types.Blame_BLAME_BACKEND
	blamesSelf     = types.Blame_BLAME_SELF
	blamesUnknown  = types.Blame_BLAME_UNKNOWN

	outcomeOK      = types.Outcome_OUTCOME_OK
	outcomeVoid    = types.Outcome_OUTCOME_VOID
	outcomeTimeout = types.Outcome_OUTCOME_TIMEOUT

	agrees = types.Consistency_CONSISTENCY_AGREE
)

var fishermanKey = crypto.KeyFromSeed([32]byte{9})

// sessionOf some servicers that begins at a height.
func sessionOf(start int64, servicers ...*types.Actor) *types.Session {
	return &types.Session{
		Header: &types.SessionHeader{
			Id:          fmt.Sprintf("%064x", start+1),
			StartHeight: start,
			RelayChain:  "0001",
			GeoZone:     "local",
			Application: fishermanKey.Address(),
		},
		Blocks:    10,
		Height:    start + 2,
		Servicers: servicers,
	}
}

// rig makes rounds that share their connections, as a fisherman's do, and judges them.
type rig struct {
	t *testing.T
	round.Runner
	// spec of the next round but for its session and when it is due.
	spec   round.Spec
	rules  judge.Rules
	start  int64
	actors []*types.Actor
}

func newRig(t *testing.T, dial round.Dial, servicers ...*fakes.Servicer) *rig {
	t.Helper()
	asked, err := question.CometBFT().Draw([32]byte{1}, question.Client{}, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t:      t,
		Runner: round.Runner{Ask: (&pocket.Asker{Key: fishermanKey, Now: time.Now}).Ask, Dial: dial, Pool: &wire.Pool{}},
		spec:   round.Spec{Question: asked, Lead: round.LongestLead, Timeout: 2 * time.Second},
		rules:  judge.Rules{LatencySLA: time.Second, MaxSkew: time.Second, Quorum: 2},
		start:  10,
	}
	for _, servicer := range servicers {
		r.actors = append(r.actors, servicer.Actor())
	}
	t.Cleanup(r.Pool.Close)
	return r
}

// stream is the near end of a pipe, and counted for as long as it is open.
type stream struct {
	net.Conn
	close func() error
}

func (s *stream) Close() error                          { return s.close() }
func (s *stream) SyscallConn() (syscall.RawConn, error) { return s.Conn.(syscall.Conn).SyscallConn() }

// overPipes makes rounds with servicers of fakes.StartPiped, and checks that they close every connection.
func overPipes(t *testing.T, servicers ...*fakes.Servicer) *rig {
	t.Helper()
	var open atomic.Int32
	t.Cleanup(func() {
		if left := open.Load(); left != 0 {
			t.Errorf("%d connections are not closed", left)
		}
	})
	return newRig(t, func(ctx context.Context, serviceURL string) (*wire.Conn, error) {
		started := time.Now()
		near, err := among(servicers, serviceURL).Connect(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return nil, wire.Fail(outcomeTimeout, types.Attempt_ATTEMPT_TLS_HANDSHAKE, err)
		case err != nil:
			return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, err)
		}
		open.Add(1)
		conn := wire.Over(&stream{near, sync.OnceValue(func() error {
			open.Add(-1)
			return near.Close()
		})})
		conn.Phases = wire.Phases{Connect: 1, TLS: time.Since(started)}
		return conn, nil
	}, servicers...)
}

// among finds the servicer that is at a URL.
func among(servicers []*fakes.Servicer, serviceURL string) *fakes.Servicer {
	return servicers[slices.IndexFunc(servicers, func(s *fakes.Servicer) bool { return s.URL() == serviceURL })]
}

// overSockets makes rounds with servicers on loopback.
func overSockets(t *testing.T, servicers ...*fakes.Servicer) *rig {
	t.Helper()
	dialer := &wire.Dialer{AllowPrivate: true}
	for _, servicer := range servicers {
		if servicer.Roots() != nil {
			dialer.RootCAs = servicer.Roots()
		}
	}
	return newRig(t, dialer.Dial, servicers...)
}

// piped starts a servicer for each fault.
func piped(t *testing.T, faults ...fakes.Fault) []*fakes.Servicer {
	t.Helper()
	servicers := make([]*fakes.Servicer, len(faults))
	for i, fault := range faults {
		servicers[i] = fakes.StartPiped(t, fault)
	}
	return servicers
}

// virtually runs a test in virtual time.
func virtually(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// observe carries out a round that is due at a moment.
func (r *rig) observe(ctx context.Context, due time.Time) *judge.Observation {
	spec := r.spec
	spec.Session, spec.Due = sessionOf(r.start, r.actors...), due
	return r.Run(ctx, spec)
}

// judge judges what was observed.
func (r *rig) judge(o *judge.Observation) *types.QoSRound {
	rules := r.rules
	rules.Timeout = r.spec.Timeout
	record, _ := judge.Round(o, &rules)
	return record
}

// run carries out a round now and judges it.
func (r *rig) run() *types.QoSRound {
	r.t.Helper()
	return r.judge(r.observe(r.t.Context(), time.Now()))
}

// runCalm is run on a machine that does nothing else: what its load does to a round is set aside.
func (r *rig) runCalm() *types.QoSRound {
	r.t.Helper()
	return r.judge(calm(r.observe(r.t.Context(), time.Now())))
}

// connecting is time enough to connect within a round on a machine that is busy with something else.
const connecting = 1500 * time.Millisecond

// runConnecting is runCalm for a round that has to connect.
func (r *rig) runConnecting() *types.QoSRound {
	r.t.Helper()
	return r.judge(calm(r.observe(r.t.Context(), time.Now().Add(connecting))))
}

// connect connects to all servicers ahead of any round, in whatever time that takes.
func (r *rig) connect() *rig {
	r.t.Helper()
	for _, actor := range r.actors {
		if conn, err := r.Dial(r.t.Context(), actor.GetServiceUrl()); err == nil {
			r.Pool.Give(actor.GetServiceUrl(), conn)
		}
	}
	return r
}

// calm sets aside what the load of this machine does to a round. What a round notes of it has tests of its own.
func calm(o *judge.Observation) *judge.Observation {
	o.Released, o.Skew, o.Stall, o.ConnectStall = o.Due, 0, 0, 0
	for i := range o.Exchanges {
		o.Exchanges[i].Times.Writing = 0
	}
	return o
}

// exchangeOf is what was observed of a servicer.
func exchangeOf(t *testing.T, o *judge.Observation, servicer *fakes.Servicer) *judge.Exchange {
	t.Helper()
	for i := range o.Exchanges {
		if o.Exchanges[i].Servicer == servicer.Address() {
			return &o.Exchanges[i]
		}
	}
	t.Fatalf("nothing was observed of %s", servicer.URL())
	return nil
}

func sampleOf(t *testing.T, record *types.QoSRound, servicer *fakes.Servicer) *types.QoSSample {
	t.Helper()
	for _, sample := range record.GetSamples() {
		if sample.GetServicer() == servicer.Address() {
			return sample
		}
	}
	t.Fatalf("no sample of %s", servicer.URL())
	return nil
}

// isDone checks that a round counts.
func isDone(t *testing.T, record *types.QoSRound) {
	t.Helper()
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || record.GetReason() != "" {
		t.Errorf("round is %v: %s", record.GetStatus(), record.GetReason())
	}
}

// isOK checks a sample of a servicer that answered well.
func isOK(t *testing.T, sample *types.QoSSample) {
	t.Helper()
	switch {
	case sample.GetOutcome() != outcomeOK || sample.GetBlame() != types.Blame_BLAME_UNSPECIFIED || sample.GetDetail() != "":
		t.Errorf("%s: %v of %v: %s", sample.GetServiceUrl(), sample.GetOutcome(), sample.GetBlame(), sample.GetDetail())
	case sample.GetRoundTripTime().AsDuration() <= 0 || sample.GetTimeToFirstByte().AsDuration() > sample.GetRoundTripTime().AsDuration():
		t.Errorf("%s: RTT %v, first byte %v", sample.GetServiceUrl(), sample.GetRoundTripTime().AsDuration(), sample.GetTimeToFirstByte().AsDuration())
	case len(sample.GetAnswerDigest()) != 32 || sample.GetSentUnixNano() == 0:
		t.Errorf("%s: digest %x, sent %d", sample.GetServiceUrl(), sample.GetAnswerDigest(), sample.GetSentUnixNano())
	}
}

// areUnmoved checks the samples of honest servicers in virtual time: they agree, and nothing of what the others did is in
// their round-trip times.
func areUnmoved(t *testing.T, record *types.QoSRound, honest []*fakes.Servicer) {
	t.Helper()
	for _, servicer := range honest {
		sample := sampleOf(t, record, servicer)
		isOK(t, sample)
		if sample.GetConsistency() != agrees || sample.GetRoundTripTime().AsDuration() != fakes.Distance {
			t.Errorf("an honest servicer is %v, RTT %v", sample.GetConsistency(), sample.GetRoundTripTime().AsDuration())
		}
	}
}

// isNull checks a sample of a servicer that did not answer well, and that it has nothing of an answer.
func isNull(t *testing.T, sample *types.QoSSample, outcome types.Outcome, blame types.Blame) {
	t.Helper()
	if sample.GetOutcome() != outcome || sample.GetBlame() != blame || sample.GetDetail() == "" {
		t.Errorf("%s: %v of %v, want %v of %v: %s", sample.GetServiceUrl(), sample.GetOutcome(), sample.GetBlame(), outcome, blame, sample.GetDetail())
	}
	if sample.RoundTripTime != nil || sample.TimeToFirstByte != nil || sample.AnswerDigest != nil || sample.GetOverSla() ||
		sample.GetConsistency() != types.Consistency_CONSISTENCY_UNSPECIFIED {
		t.Errorf("%s: a null sample with something of an answer: %v", sample.GetServiceUrl(), sample)
	}
}

// isVoid checks that a round counts for nobody.
func isVoid(t *testing.T, record *types.QoSRound, cause types.Cause) {
	t.Helper()
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_VOID || record.GetCause() != cause || record.GetReason() == "" {
		t.Errorf("round is %v of %v: %s; want void of %v", record.GetStatus(), record.GetCause(), record.GetReason(), cause)
	}
	for _, sample := range record.GetSamples() {
		if sample.GetOutcome() != outcomeVoid || sample.GetBlame() != blamesSelf || sample.GetConsistency() != types.Consistency_CONSISTENCY_UNSPECIFIED {
			t.Errorf("%s: %v of %v, %v", sample.GetServiceUrl(), sample.GetOutcome(), sample.GetBlame(), sample.GetConsistency())
		}
		if sample.GetDetail() == "" {
			t.Errorf("nothing is said of %s", sample.GetServiceUrl())
		}
	}
}

// isStorable checks what a store and a terminal need: strangers have a say in the details.
func isStorable(t *testing.T, record *types.QoSRound) {
	t.Helper()
	if _, err := proto.Marshal(record); err != nil {
		t.Errorf("cannot be stored: %v", err)
	}
	if !slices.IsSortedFunc(record.GetSamples(), func(a, b *types.QoSSample) int { return strings.Compare(a.GetServicer(), b.GetServicer()) }) {
		t.Error("samples are not ordered by address")
	}
	for _, sample := range record.GetSamples() {
		text := sample.GetDetail()
		if len(text) > 256 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("detail %q", text)
		}
	}
}
